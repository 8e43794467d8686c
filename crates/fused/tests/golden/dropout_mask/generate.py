"""The dropout mask by its definition, from ChaCha8 written out here: writes kept.txt beside this file.

    python generate.py

Independent of the Rust code and of any library. Each line: seed, step, site, threshold (of 65536),
first element, then one digit per element, 1 where it is kept.
"""

import struct
from pathlib import Path

MASK = 0xFFFFFFFF


def rotate(x, bits):
    return ((x << bits) | (x >> (32 - bits))) & MASK


def quarter_round(x, a, b, c, d):
    x[a] = (x[a] + x[b]) & MASK
    x[d] = rotate(x[d] ^ x[a], 16)
    x[c] = (x[c] + x[d]) & MASK
    x[b] = rotate(x[b] ^ x[c], 12)
    x[a] = (x[a] + x[b]) & MASK
    x[d] = rotate(x[d] ^ x[a], 8)
    x[c] = (x[c] + x[d]) & MASK
    x[b] = rotate(x[b] ^ x[c], 7)


def chacha(key, counter, rounds):
    """One block of 16 words: 64-bit counter, stream 0."""
    start = [*struct.unpack("<4I", b"expand 32-byte k"), *struct.unpack("<8I", key)]
    start += [counter & MASK, counter >> 32, 0, 0]
    x = start.copy()
    for _ in range(rounds // 2):
        for column in range(4):
            quarter_round(x, column, 4 + column, 8 + column, 12 + column)
        for i in range(4):
            quarter_round(x, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return [(a + b) & MASK for a, b in zip(x, start)]


def kept(key, threshold, element):
    group, inside = divmod(element, 512)
    word, rest = divmod(inside, 32)
    half, lane = divmod(rest, 16)
    bits = chacha(key, 16 * group + lane, 8)[word] >> 16 * half & 0xFFFF
    return bits >= threshold


def main():
    # The keystream of ChaCha20 under a zero key, as published with the cipher.
    assert struct.pack("<4I", *chacha(bytes(32), 0, 20)[:4]).hex() == "76b8e0ada0f13d90405d6ae55386bd28"
    lines = []
    for seed, step, site, threshold, first in [
        (0, 0, 0, 32768, 0),
        (42, 7, 3, 6554, 500),
        (2**63 + 5, 2**40, 2**32 - 1, 60000, 512 * 2**20 - 3),
        # Beyond 2^32 blocks: the high word of the counter.
        (1, 2, 3, 32768, 32 * 2**32 + 17),
    ]:
        key = struct.pack("<QQI", seed, step, site).ljust(32, b"\0")
        digits = "".join(str(int(kept(key, threshold, first + i))) for i in range(96))
        lines.append(f"{seed} {step} {site} {threshold} {first} {digits}")
    Path(__file__).with_name("kept.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
