//! Loss, gradients and optimizer steps against PyTorch.

mod noise;
mod parameters;
mod pytorch;
mod reference;
