//! Nothing: the example and the test are what this crate is for.
