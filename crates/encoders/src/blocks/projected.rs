//! Query, key and value of hidden states.

use burn::tensor::Tensor;

use super::linear::Linear;
use crate::input::{Layout, Tokens};

/// The states that the result of attention is added to, and query, key and value, by three layers of one size.
///
/// # Shapes
/// - `hidden`, key, value: `[batch, length, hidden]`, or `[1, tokens, hidden]` where it is packed
/// - residual, query: the same, or of some tokens alone
pub(crate) fn projected(
    [query, key, value]: [&Linear; 3],
    hidden: Tensor<3>,
    layout: &Layout,
    tokens: Tokens,
) -> (Tensor<3>, [Tensor<3>; 3]) {
    if !fused::runs_together(&hidden.device()) {
        let states = layout.for_attention(tokens, hidden);
        let projected = [
            query.forward(states.queries),
            key.forward(states.keys),
            value.forward(states.values),
        ];
        return (states.residual, projected);
    }
    // There each kernel costs the host more than what it computes.
    let [some, all] = fused::branches(hidden);
    match tokens {
        Tokens::All => (some, Linear::forward_all([query, key, value], all)),
        Tokens::First | Tokens::Last => {
            let [residual, queries] = fused::branches(layout.of(tokens, some));
            let [keys, values] = Linear::forward_all([key, value], all);
            (residual, [query.forward(queries), keys, values])
        }
    }
}
