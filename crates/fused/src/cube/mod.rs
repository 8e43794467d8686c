//! Kernels for CubeCL's runtimes. Everything else there is Burn's primitives, which its fusion joins.

mod dropout;
