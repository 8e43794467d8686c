//! Loss, gradients and optimizer steps against PyTorch.

mod accumulation;
mod noise;
mod parameters;
mod pytorch;
mod reference;
