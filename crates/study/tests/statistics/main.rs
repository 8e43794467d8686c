//! The statistics behind the comparison of two arms.

mod against_scipy;
mod edges;
mod paired;
