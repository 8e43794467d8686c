//! The operations that cross, and the shapes that each takes and gives.

use burn::backend::ir::ScalarIr;
use burn::tensor::{DType, FloatDType, Shape};

use super::argument::Numbers;
use crate::adamw::AdamW;
use crate::packing::Packed;

/// Shape and type of a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) shape: Shape,
    pub(super) dtype: DType,
}

macro_rules! operations {
    ($($name:ident = $id:literal),* $(,)?) => {
        /// An operation that crosses to a server.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Operation {
            $($name,)*
        }

        impl Operation {
            pub(super) const ALL: &[Self] = &[$(Self::$name,)*];

            /// What server and client call it.
            pub(super) const fn id(self) -> &'static str {
                match self {
                    $(Self::$name => $id,)*
                }
            }
        }
    };
}

operations! {
    Linear = "fused.linear",
    LinearXBackward = "fused.linear_x_backward",
    LinearParametersBackward = "fused.linear_parameters_backward",
    LinearGelu = "fused.linear_gelu",
    LinearGeluParts = "fused.linear_gelu_parts",
    Gelu = "fused.gelu",
    GeluBackward = "fused.gelu_backward",
    Geglu = "fused.geglu",
    GegluBackward = "fused.geglu_backward",
    LayerNorm = "fused.layer_norm",
    LayerNormBackward = "fused.layer_norm_backward",
    Residual = "fused.residual",
    ResidualParts = "fused.residual_parts",
    ResidualBackward = "fused.residual_backward",
    Dropout = "fused.dropout",
    Embedding = "fused.embedding",
    EmbeddingBackward = "fused.embedding_backward",
    Attention = "fused.attention",
    AttentionBackward = "fused.attention_backward",
    BiasedAttention = "fused.biased_attention",
    BiasedAttentionBackward = "fused.biased_attention_backward",
    CrossEntropy = "fused.cross_entropy",
    CrossEntropyParts = "fused.cross_entropy_parts",
    CrossEntropyBackward = "fused.cross_entropy_backward",
    AdamW = "fused.adamw",
    SquaredNorm = "fused.squared_norm",
}

impl Operation {
    /// What the operation gives for tensors of these forms.
    ///
    /// # Panics
    ///
    /// When they do not fit together. The kernels work on raw memory and rely on these checks, here as in the operations
    /// themselves: a server runs what a client sends.
    pub(super) fn outputs(self, inputs: &[Form], numbers: &[ScalarIr]) -> Vec<Form> {
        let mut numbers = Numbers::new(numbers);
        match (self, inputs) {
            (Self::Linear | Self::LinearGelu, [x, weight, bias]) => vec![affine(x, weight, bias)],
            (Self::LinearGeluParts, [x, weight, bias]) => vec![affine(x, weight, bias); 2],
            (Self::LinearXBackward, [weight, grad]) => {
                let [inputs, outputs] = dims(weight);
                fit(width(grad) == outputs, self, &[weight, grad]);
                vec![with_width(grad, inputs)]
            }
            (Self::LinearParametersBackward, [x, grad]) => {
                fit(rows(x) == rows(grad), self, &[x, grad]);
                let weight = Form {
                    shape: Shape::new([width(x), width(grad)]),
                    dtype: x.dtype,
                };
                vec![weight, vector(width(grad), grad.dtype)]
            }
            (Self::Gelu, [x]) => vec![x.clone()],
            (Self::GeluBackward, [x, grad]) => {
                fit(x.shape == grad.shape, self, &[x, grad]);
                vec![x.clone()]
            }
            (Self::Geglu, [x]) => {
                fit(width(x).is_multiple_of(2), self, &[x]);
                vec![with_width(x, width(x) / 2)]
            }
            (Self::GegluBackward, [x, grad]) => {
                let half = with_width(x, width(x) / 2);
                let is_even = width(x).is_multiple_of(2);
                fit(is_even && half.shape == grad.shape, self, &[x, grad]);
                vec![x.clone()]
            }
            (Self::LayerNorm, [x, gamma, beta]) => {
                self.check_norm(x, &[gamma, beta], numbers.read());
                vec![x.clone()]
            }
            (Self::LayerNormBackward, [x, gamma, grad]) => {
                self.check_norm(x, &[gamma], numbers.read());
                fit(x.shape == grad.shape, self, &[x, grad]);
                vec![x.clone(), gamma.clone(), gamma.clone()]
            }
            (Self::Residual | Self::ResidualParts, [x, weight, bias, residual, gamma, beta]) => {
                let projected = affine(x, weight, bias);
                self.check_norm(residual, &[gamma, beta], numbers.read());
                fit(
                    projected.shape == residual.shape,
                    self,
                    &[x, weight, residual],
                );
                match self {
                    Self::Residual => vec![residual.clone()],
                    _ => vec![residual.clone(); 2],
                }
            }
            (Self::ResidualBackward, [x, weight, sum, gamma, grad]) => {
                let [inputs, outputs] = dims(weight);
                self.check_norm(sum, &[gamma], numbers.read());
                let fits = with_width(x, outputs).shape == sum.shape
                    && width(x) == inputs
                    && sum.shape == grad.shape;
                fit(fits, self, &[x, weight, sum, grad]);
                let bias = vector(outputs, weight.dtype);
                let norm = [gamma, gamma].map(Form::clone);
                let mut outputs = vec![x.clone(), weight.clone(), bias, sum.clone()];
                outputs.extend(norm);
                outputs
            }
            (Self::Dropout, [x]) => vec![x.clone()],
            (Self::Embedding, [weight, indices]) => {
                let ([_, width], [batch, sequence]) = (dims(weight), dims(indices));
                vec![Form {
                    shape: Shape::new([batch, sequence, width]),
                    dtype: weight.dtype,
                }]
            }
            (Self::EmbeddingBackward, [weight, indices, grad]) => {
                let ([_, width], [batch, sequence]) = (dims(weight), dims(indices));
                fit(
                    dims(grad) == [batch, sequence, width],
                    self,
                    &[weight, indices, grad],
                );
                vec![weight.clone()]
            }
            (Self::Attention, [query, key, value, mask]) => {
                let packing: Option<Packed> = numbers.read();
                self.check_attention([query, key, value, mask], packing, numbers.read());
                vec![query.clone()]
            }
            (Self::AttentionBackward, [query, key, value, mask, grad]) => {
                let packing: Option<Packed> = numbers.read();
                self.check_attention([query, key, value, mask], packing, numbers.read());
                fit(query.shape == grad.shape, self, &[query, grad]);
                [query, key, value].map(Form::clone).to_vec()
            }
            (Self::BiasedAttention, [query, key, value, bias, mask]) => {
                let heads = numbers.read();
                self.check_attention([query, key, value, mask], None, heads);
                self.check_bias(query, key, bias, heads);
                vec![query.clone()]
            }
            (Self::BiasedAttentionBackward, [query, key, value, bias, mask, grad]) => {
                let heads = numbers.read();
                self.check_attention([query, key, value, mask], None, heads);
                self.check_bias(query, key, bias, heads);
                fit(query.shape == grad.shape, self, &[query, grad]);
                [query, key, value, bias].map(Form::clone).to_vec()
            }
            (Self::CrossEntropy | Self::CrossEntropyParts, [logits, targets]) => {
                let ([rows, _], [count]) = (dims(logits), dims(targets));
                fit(rows == count, self, &[logits, targets]);
                let probabilities = Form {
                    shape: logits.shape.clone(),
                    dtype: wide(logits.dtype),
                };
                let mut outputs = vec![vector(1, wide(logits.dtype))];
                if self == Self::CrossEntropyParts {
                    outputs.push(probabilities);
                }
                outputs
            }
            (Self::CrossEntropyBackward, [probabilities, targets, grad]) => {
                let ([rows, _], [count]) = (dims(probabilities), dims(targets));
                fit(
                    rows == count && dims(grad) == [1],
                    self,
                    &[probabilities, targets, grad],
                );
                let dtype: FloatDType = numbers.read();
                vec![Form {
                    shape: probabilities.shape.clone(),
                    dtype: dtype.into(),
                }]
            }
            (Self::AdamW, [parameter, others @ ..]) if others.len() == 3 => {
                let fits = others.iter().all(|other| other.shape == parameter.shape);
                fit(fits, self, &[parameter, &others[0], &others[1], &others[2]]);
                let step: AdamW = numbers.read();
                step.check().unwrap_or_else(|e| panic!("{e}"));
                let moment = |of: &Form| Form {
                    shape: of.shape.clone(),
                    dtype: wide(of.dtype),
                };
                vec![parameter.clone(), moment(&others[1]), moment(&others[2])]
            }
            (Self::SquaredNorm, [x]) => vec![vector(1, wide(x.dtype))],
            (_, inputs) => panic!("{}: {} tensors", self.id(), inputs.len()),
        }
    }

    fn check_norm(self, x: &Form, parameters: &[&Form], epsilon: f64) {
        let fits = parameters.iter().all(|form| dims(form) == [width(x)]);
        fit(fits, self, &[x, parameters[0]]);
        assert!(
            epsilon.is_finite() && epsilon >= 0.0,
            "{}: epsilon {epsilon}: expected a number from 0",
            self.id()
        );
    }

    fn check_attention(
        self,
        [query, key, value, mask]: [&Form; 4],
        packing: Option<Packed>,
        heads: usize,
    ) {
        let ([batch, keys, width], [of_queries, queries, _]) = (dims(key), dims(query));
        // At a width of 0, any number of heads divides it.
        let mut fits = (1..=width.max(1)).contains(&heads)
            && width.is_multiple_of(heads)
            && dims(query) == [batch, queries, width]
            && of_queries == batch
            && value.shape == key.shape
            && dims(mask) == [batch, keys];
        if let Some(packing) = packing {
            fits &= batch == 1
                && packing.queries.rows() == queries
                && packing.keys.rows() == keys
                && packing.queries.lengths().len() == packing.keys.lengths().len();
        }
        fit(fits, self, &[query, key, value, mask]);
    }

    fn check_bias(self, query: &Form, key: &Form, bias: &Form, heads: usize) {
        let ([batch, queries, _], [_, keys, _]) = (dims(query), dims(key));
        let [sequences, of_heads, rows, columns] = dims(bias);
        let fits = [1, batch].contains(&sequences)
            && [1, heads].contains(&of_heads)
            && [rows, columns] == [queries, keys];
        fit(fits, self, &[query, key, bias]);
    }
}

fn fit(fits: bool, operation: Operation, inputs: &[&Form]) {
    if !fits {
        let shapes: Vec<&Shape> = inputs.iter().map(|form| &form.shape).collect();
        panic!("{}: tensors {shapes:?} do not fit together", operation.id());
    }
}

fn dims<const D: usize>(form: &Form) -> [usize; D] {
    assert_eq!(form.shape.num_dims(), D, "dimensions of {:?}", form.shape);
    form.shape.dims()
}

fn width(form: &Form) -> usize {
    *form.shape.last().expect("a tensor has a last dimension")
}

fn rows(form: &Form) -> usize {
    form.shape.iter().rev().skip(1).product()
}

fn with_width(form: &Form, width: usize) -> Form {
    let mut shape = form.shape.to_vec();
    *shape.last_mut().expect("a tensor has a last dimension") = width;
    Form {
        shape: Shape::from(shape),
        dtype: form.dtype,
    }
}

fn affine(x: &Form, weight: &Form, bias: &Form) -> Form {
    let ([inputs, outputs], [biases]) = (dims(weight), dims(bias));
    let fits = width(x) == inputs && outputs == biases;
    fit(fits, Operation::Linear, &[x, weight, bias]);
    with_width(x, outputs)
}

fn vector(elements: usize, dtype: DType) -> Form {
    Form {
        shape: Shape::new([elements]),
        dtype,
    }
}

/// What half precision is computed in.
fn wide(dtype: DType) -> DType {
    match dtype {
        DType::F16 | DType::BF16 => DType::F32,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "do not fit together")]
    fn more_heads_than_the_width_are_refused_even_at_width_0() {
        let form = |shape: &[usize]| Form {
            shape: Shape::from(shape),
            dtype: DType::F32,
        };
        let [tokens, mask] = [form(&[1, 2, 0]), form(&[1, 2])];
        let heads = 1 << 60;
        Operation::BiasedAttention.check_attention([&tokens, &tokens, &tokens, &mask], None, heads);
    }
}
