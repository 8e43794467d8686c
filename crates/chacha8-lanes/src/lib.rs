#![doc = include_str!("../README.md")]

#[cfg(feature = "cube")]
// CubeCL's macros make public items without documentation.
#[allow(missing_docs)]
pub mod cube;
mod vectors;

#[cfg(feature = "cube")]
pub use cubecl;
/// The version whose vectors are in this crate's signatures.
pub use pulp;
pub use vectors::{Words, dispatch, for_each_vector, words};

/// Words of a block.
pub const BLOCK_WORDS: usize = 16;
/// Blocks side by side: the 32-bit lanes of the widest vectors there are.
pub const LANES: usize = 16;
/// Words of the blocks that lie side by side.
pub const GROUP: usize = LANES * BLOCK_WORDS;
/// Rounds come in pairs: one down the columns, one along the diagonals.
pub const DOUBLE_ROUNDS: usize = 4;
/// The constant words with which a block starts: "expand 32-byte k".
pub const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];
