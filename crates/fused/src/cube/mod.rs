//! Kernels for CubeCL's runtimes. Everything else runs there as Burn's primitives, which Burn fuses.

mod dropout;
