//! The statistics behind the comparison of two arms.

mod against_scipy;
mod coverage;
mod edges;
mod expected_maximum;
mod paired;
