//! The operations on the flex backend: SIMD chosen at run time, rayon over rows, buffers reused.
//!
//! Sums are divided by constants, never by the number of threads, and partial sums are added in the
//! order of their rows: the result has the same bits on any number of threads.

mod adamw;
mod attention;
mod backlog;
mod biased_attention;
mod branches;
mod cross_entropy;
mod dropout;
mod elementwise;
mod embedding;
#[cfg(test)]
mod extremes;
mod geglu;
mod gelu;
mod keystream;
mod layer_norm;
mod linear;
mod math;
mod matmul;
mod parts;
mod product;
mod rotary;
mod rows;
mod sequences;
mod simd;
mod softmax;
mod storage;
