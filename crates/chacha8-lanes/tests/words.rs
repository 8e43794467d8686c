//! Every word is that of the reference implementation, on every instruction set.

use chacha8_lanes::pulp::{self, Simd};
use chacha8_lanes::{GROUP, Words};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

#[test]
fn every_instruction_set_gives_the_blocks_of_chacha8_side_by_side() {
    let bytes: [u8; 32] = std::array::from_fn(|i| (37 * i + 11) as u8);
    let (chunks, _) = bytes.as_chunks::<4>();
    let key: [u32; 8] = std::array::from_fn(|i| u32::from_le_bytes(chunks[i]));
    // On both sides of block 2^32, where the counter's upper half begins.
    for group in [0, 1, 77, (1 << 28) - 1, 1 << 28, (1 << 40) + 5] {
        let mut rng = ChaCha8Rng::from_seed(bytes);
        rng.set_word_pos(u128::from(group) * GROUP as u128);
        let stream: Vec<u32> = (0..GROUP).map(|_| rng.next_u32()).collect();
        let expected: [u32; GROUP] = std::array::from_fn(|i| stream[i % 16 * 16 + i / 16]);
        let words = || Words { key: &key, group };
        let best = chacha8_lanes::words(&key, group);
        assert_eq!(best, expected, "best, group {group}");
        let next_round = chacha8_lanes::words(&key, group + (1 << 60));
        assert_eq!(next_round, expected, "2^60 groups further than {group}");
        let scalar = Simd::vectorize(pulp::Scalar::new(), words());
        assert_eq!(scalar, expected, "scalar, group {group}");
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V3::try_new() {
            let avx2 = Simd::vectorize(simd, words());
            assert_eq!(avx2, expected, "AVX2, group {group}");
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V4::try_new() {
            let avx512 = Simd::vectorize(simd, words());
            assert_eq!(avx512, expected, "AVX-512, group {group}");
        }
    }
}

#[test]
fn the_first_words_are_those_of_the_published_stream_of_eight_rounds() {
    // Strombergson, "Test Vectors for the Stream Cipher ChaCha", TC1 (key and IV of zeros, 8 rounds).
    let words = chacha8_lanes::words(&[0; 8], 0);
    let first_block: Vec<u8> = (0..4)
        .flat_map(|word| words[16 * word].to_le_bytes())
        .collect();
    let expected = [
        0x3e, 0x00, 0xef, 0x2f, 0x89, 0x5f, 0x40, 0xd6, 0x7f, 0x5b, 0xb8, 0xe8, 0x1f, 0x09, 0xa5,
        0xa1,
    ];
    assert_eq!(first_block, expected);
}
