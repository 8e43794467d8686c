//! Fused operations against Burn's own.
fn main() {}
