//! Loss, gradients and optimizer steps against PyTorch.

mod accumulation;
mod closeness;
mod deferred;
mod examples;
mod families;
mod half;
mod noise;
mod objectives;
mod pair_scores;
mod parameters;
mod pytorch;
mod reference;
mod steady;
