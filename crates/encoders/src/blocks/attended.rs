//! Attention of hidden states to themselves, from the layers that project them.

use burn::tensor::Tensor;

use super::attention::Heads;
use super::dropout::Dropouts;
use super::linear::Linear;
use crate::input::{Layout, Tokens};

impl Heads {
    /// The states that the context is added to, and the context, by the layers of query, key and value, which are of one size.
    ///
    /// # Shapes
    /// - `hidden`: `[batch, length, hidden]`, or `[1, tokens, hidden]` where it is packed
    /// - residual, context: the same, or of some tokens alone
    pub(crate) fn attended(
        self,
        layers: [&Linear; 3],
        hidden: Tensor<3>,
        layout: &Layout,
        tokens: Tokens,
        dropouts: &mut Dropouts,
    ) -> (Tensor<3>, Tensor<3>) {
        let [query, key, value] = layers;
        if fused::runs_together(&hidden.device()) {
            return self.attended_together(layers, hidden, layout, tokens, dropouts);
        }
        let states = layout.for_attention(tokens, hidden);
        let projected = [
            query.forward(states.queries),
            key.forward(states.keys),
            value.forward(states.values),
        ];
        let context = self.attend(projected, layout, tokens, dropouts);
        (states.residual, context)
    }

    /// In fewer kernels, of which each costs the host more than what it computes.
    fn attended_together(
        self,
        layers: [&Linear; 3],
        hidden: Tensor<3>,
        layout: &Layout,
        tokens: Tokens,
        dropouts: &mut Dropouts,
    ) -> (Tensor<3>, Tensor<3>) {
        let [query, key, value] = layers;
        let heads = self.number();
        let (device, [batch, length, _]) = (hidden.device(), hidden.dims());
        let queries = match tokens {
            Tokens::All => length,
            Tokens::First | Tokens::Last => 1,
        };
        let mask = match layout {
            Layout::Padded(mask) => Some(mask.clone()),
            Layout::Packed(_) => None,
        };
        let sizes = [batch, heads, queries, length];
        let mask = mask.filter(|_| fused::attends_by_head(&device, sizes));
        let [some, all] = fused::branches(hidden);
        match (mask, tokens) {
            (Some(mask), Tokens::All) => {
                let [query, key, value] = Linear::forward_by_head(layers, all, heads);
                let dropout = self.next_dropout(dropouts);
                let context = fused::attention_by_head(query, key, value, Some(mask), dropout);
                (some, context)
            }
            (Some(mask), Tokens::First | Tokens::Last) => {
                let [residual, queries] = fused::branches(layout.of(tokens, some));
                let [key, value] = Linear::forward_by_head([key, value], all, heads);
                // A sequence of one is the same with its heads apart.
                let query = query.forward(queries);
                let [_, _, width] = query.dims();
                let query = query.reshape([batch, heads, 1, width / heads]);
                let dropout = self.next_dropout(dropouts);
                let context = fused::attention_by_head(query, key, value, Some(mask), dropout);
                (residual, context)
            }
            (None, Tokens::All) => {
                let projected = Linear::forward_all(layers, all);
                (some, self.attend(projected, layout, tokens, dropouts))
            }
            (None, Tokens::First | Tokens::Last) => {
                let [residual, queries] = fused::branches(layout.of(tokens, some));
                let [keys, values] = Linear::forward_all([key, value], all);
                let projected = [query.forward(queries), keys, values];
                let context = self.attend(projected, layout, tokens, dropouts);
                (residual, context)
            }
        }
    }
}
