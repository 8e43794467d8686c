//! Attention whose scores have a bias: the tasks of plain attention, with a matrix added to the scores of each.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::{BoolTensor, FloatTensor};
use burn::tensor::Shape;

use super::attention::{Bias, Problem};
use super::sequences::{Sequences, rows_of_unit_stride};
use super::storage::{self, Unwritten};
use crate::biased_attention::BiasedAttentionBackend;
use crate::key::Dropout;
use crate::plain_attention::{biased, biased_backward, summed_to};

impl BiasedAttentionBackend for Flex {
    fn fused_biased_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        key_mask: BoolTensor<Self>,
        heads: usize,
        dropout: Option<Dropout>,
    ) -> FloatTensor<Self> {
        if !storage::is_single(&[&query, &key, &value, &bias]) {
            return biased::<Self>([query, key, value], bias, key_mask, heads, dropout);
        }
        let [query, key, value] = [query, key, value].map(rows_of_unit_stride);
        let bias = storage::contiguous(bias);
        let problem = Problem::new(&query, &key, key_mask, None, heads, dropout);
        let problem = problem.with_bias(of(&bias));
        let mut context = Unwritten::new(query.layout().shape().clone());
        let out = Sequences::write(&mut context);
        let [query, key, value] = [&query, &key, &value].map(Sequences::read);
        problem.for_each_head(|head, scratch| {
            // SAFETY: the inputs are live; each head of each sequence writes its own columns.
            unsafe { problem.forward(head, [query, key, value], out, scratch) };
        });
        // SAFETY: the heads of the sequences make up the whole tensor.
        unsafe { context.finish() }
    }

    fn fused_biased_attention_backward(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        key_mask: BoolTensor<Self>,
        grad: FloatTensor<Self>,
        heads: usize,
        dropout: Option<Dropout>,
    ) -> (
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
    ) {
        if !storage::is_single(&[&query, &key, &value, &bias, &grad]) {
            let inputs = [query, key, value, grad];
            return biased_backward::<Self>(inputs, bias, key_mask, heads, dropout);
        }
        let [query, key, value, grad] = [query, key, value, grad].map(rows_of_unit_stride);
        let bias = storage::contiguous(bias);
        let problem = Problem::new(&query, &key, key_mask, None, heads, dropout);
        let problem = problem.with_bias(of(&bias));
        let [batch, queries, _] = query.layout().shape().dims();
        let keys = key.layout().shape()[1];
        let mut query_grad = Unwritten::new(query.layout().shape().clone());
        let mut key_grad = Unwritten::new(key.layout().shape().clone());
        let mut value_grad = Unwritten::new(key.layout().shape().clone());
        let mut bias_grad = Unwritten::new(Shape::new([batch, heads, queries, keys]));
        let outputs = [
            Sequences::write(&mut query_grad),
            Sequences::write(&mut key_grad),
            Sequences::write(&mut value_grad),
        ];
        let inputs = [&query, &key, &value, &grad].map(Sequences::read);
        let of_bias = problem.bias_grad(&mut bias_grad);
        problem.for_each_head(|head, scratch| {
            // SAFETY: the inputs are live; each head of each sequence writes its own columns, and its own matrix
            // of the gradient of the bias.
            unsafe { problem.backward(head, inputs, outputs, Some(of_bias), scratch) };
        });
        // SAFETY: the heads of the sequences make up the whole tensors.
        let [query_grad, key_grad, value_grad, bias_grad] =
            [query_grad, key_grad, value_grad, bias_grad].map(|grad| unsafe { grad.finish() });
        let bias_grad = summed_to::<Self>(bias_grad, bias.layout().shape());
        (query_grad, key_grad, value_grad, bias_grad)
    }
}

fn of(bias: &FlexTensor) -> Bias<'_> {
    let [sequences, heads, _, _] = bias.layout().shape().dims();
    Bias {
        values: storage::elements(bias),
        sequences,
        heads,
    }
}
