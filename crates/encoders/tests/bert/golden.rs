//! Files under `tests/golden`, and the folder of real assets.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};
use serde::de::DeserializeOwned;

/// Path of a golden.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// Path of a real model or data set.
pub(crate) fn asset(name: &str) -> PathBuf {
    let folder =
        env::var_os("NOISYTUNE_ASSETS").expect("NOISYTUNE_ASSETS names the folder of real assets");
    PathBuf::from(folder).join(name)
}

/// A golden in JSON.
pub(crate) fn json<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&fs::read(path(name)).unwrap()).unwrap()
}

/// A golden in safetensors.
pub(crate) struct Tensors(Vec<u8>);

impl Tensors {
    pub(crate) fn read(name: &str) -> Self {
        Self(fs::read(path(name)).unwrap())
    }

    pub(crate) fn f32(&self, name: &str) -> Vec<f32> {
        self.elements(name, Dtype::F32, f32::from_le_bytes)
    }

    pub(crate) fn i64(&self, name: &str) -> Vec<i64> {
        self.elements(name, Dtype::I64, i64::from_le_bytes)
    }

    fn elements<T, const N: usize>(
        &self,
        name: &str,
        dtype: Dtype,
        read: fn([u8; N]) -> T,
    ) -> Vec<T> {
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        let tensor = tensors.tensor(name).unwrap();
        assert_eq!(tensor.dtype(), dtype, "{name}");
        let (elements, rest) = tensor.data().as_chunks::<N>();
        assert!(rest.is_empty(), "{name}");
        elements.iter().map(|bytes| read(*bytes)).collect()
    }
}
