//! Kernels for CubeCL's runtimes. Everything else runs there as Burn's primitives, which Burn fuses.
//!
//! A kernel has one cube per row or walks over all elements, computes in single precision whatever the tensors are, and adds in an
//! order that shapes alone decide: partial sums per cube, then one cube adds those.

mod adamw;
mod attention;
mod cast;
mod cross_entropy;
mod dropout;
mod embedding;
mod fusion;
mod gelu;
mod heads;
mod launch;
mod layer_norm;
mod linear;
mod parts;
mod product;
mod projections;
mod residual;
mod squared_norm;
