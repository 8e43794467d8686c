//! The number of threads changes nothing, not even the last bit.

mod reference;

use burn::tensor::{Bool, Int, Tensor};
use fused::{AdamW, Dropout, DropoutKey, Norm, Packing};
use reference::{constant, device, leaf, values};

/// Values and gradients of every operation, at sizes that make several tasks of each.
fn everything() -> Vec<Vec<f32>> {
    let dropout = |site| {
        let key = DropoutKey {
            seed: 3,
            step: 1,
            site,
        };
        Dropout::new(0.1, key).expect("in range")
    };
    let indices: Vec<i64> = (0..4 * 70).map(|i| i * i % 997).collect();
    let indices = Tensor::<1, Int>::from_ints(indices.as_slice(), &device()).reshape([4, 70]);
    let table = leaf(1, [1000, 96]);
    let square = [2, 3, 4, 5].map(|seed| leaf(seed, [96, 96]));
    let (up, down) = (leaf(6, [96, 384]), leaf(7, [384, 96]));
    let (gamma, beta, wide) = (leaf(8, [96]), leaf(9, [96]), leaf(10, [384]));

    let x = fused::embedding(table.clone(), indices);
    let x = fused::dropout(x, dropout(0));
    let project = |x, i: usize| fused::linear(x, square[i].clone(), beta.clone());
    let [x, query, key, value] = fused::branches(x);
    let context = fused::attention(
        project(query, 0),
        project(key, 1),
        project(value, 2),
        3,
        None,
        dropout(1),
    );
    let norm = Norm {
        gamma: gamma.clone(),
        beta: beta.clone(),
        epsilon: 1e-12,
    };
    let (weight, bias) = (square[3].clone(), beta.clone());
    let x = fused::linear_dropout_add_layer_norm(context, weight, bias, x, norm, dropout(2));
    let y = fused::linear_gelu(x.clone(), up.clone(), wide.clone());
    let y = fused::gelu(fused::linear(y, down.clone(), beta.clone()));
    let y = fused::layer_norm(y + x, gamma.clone(), beta.clone(), 1e-12);

    let grads = (y.clone() * constant(99, y.dims())).sum().backward();
    let mut all = vec![values(y)];
    let matrices = [table, up, down].into_iter().chain(square);
    all.extend(matrices.map(|x| values(x.grad(&grads).expect("a leaf"))));
    all.extend([gamma, beta, wide].map(|x| values(x.grad(&grads).expect("a leaf"))));
    all.push(values(fused::squared_norm(constant(11, [100_000]).inner())));

    let x = leaf(16, [3, 300, 96]);
    let [one, other, _] = fused::parts(x.clone());
    let angles = constant(17, [300, 4]);
    let product = fused::rotary(one, angles.clone().cos(), angles.sin(), 4) * other;
    let grads = (product.clone() * constant(15, [3, 300, 32]))
        .sum()
        .backward();
    all.push(values(product));
    all.push(values(x.grad(&grads).expect("a leaf")));

    let x = leaf(13, [700, 96]);
    let gated = fused::geglu(x.clone());
    let grads = (gated.clone() * constant(14, [700, 48])).sum().backward();
    all.push(values(gated));
    all.push(values(x.grad(&grads).expect("a leaf")));

    let [query, key, value] = [20, 21, 22].map(|seed| leaf(seed, [1, 300, 96]));
    let lengths = || Packing::new([90, 1, 130, 79]).expect("few rows");
    let context = fused::packed_attention(
        query.clone(),
        key.clone(),
        value.clone(),
        3,
        [lengths(), lengths()],
        dropout(4),
    );
    let grads = (context.clone() * constant(23, [1, 300, 96]))
        .sum()
        .backward();
    all.push(values(context));
    all.extend([query, key, value].map(|x| values(x.grad(&grads).expect("a leaf"))));

    let [query, key, value] = [24, 25, 26].map(|seed| leaf(seed, [4, 40, 96]));
    let bias = leaf(27, [1, 3, 40, 40]);
    let inputs = [query.clone(), key.clone(), value.clone()];
    let all_keys = Tensor::<2, Bool>::ones([4, 40], &device());
    let context = fused::biased_attention(inputs, bias.clone(), 3, all_keys, dropout(5));
    let grads = (context.clone() * constant(28, [4, 40, 96]))
        .sum()
        .backward();
    all.push(values(context));
    all.extend([query, key, value].map(|x| values(x.grad(&grads).expect("a leaf"))));
    all.push(values(bias.grad(&grads).expect("a leaf")));

    let step = AdamW {
        learning_rate: 1e-3,
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.01,
        time: 1,
        gradient_scale: 0.5,
    };
    let [parameter, gradient] = [29, 30].map(|seed| constant(seed, [100_000]).inner());
    let stepped = fused::adamw_step(parameter, gradient, None, step);
    let (parameter, moments) = stepped.expect("numbers in range");
    all.extend([parameter, moments.first, moments.second].map(values));

    let logits = leaf(12, [150, 500]);
    let targets: Vec<i64> = (0..150).map(|i| i * i % 499).collect();
    let targets = Tensor::<1, Int>::from_ints(targets.as_slice(), &device());
    let loss = fused::cross_entropy(logits.clone(), targets);
    let grads = loss.backward();
    all.push(values(loss));
    all.push(values(logits.grad(&grads).expect("a leaf")));
    all
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().expect("a pool").install(everything)
    };
    let expected = on(1);
    for threads in [2, 3, 8] {
        assert_eq!(on(threads), expected, "{threads} threads");
    }
}
