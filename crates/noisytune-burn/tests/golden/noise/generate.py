"""Writes noise.json: inputs, and what NoisyTune makes of them, bit for bit.

An implementation of the specification in README.md that shares nothing with the crate: ChaCha8
and the formula in NumPy, SHA-256 from the standard library.

    python generate.py        (needs numpy; made with Python 3.11, NumPy 2.4)
"""

import hashlib
import json
import pathlib
import re

import numpy as np

LAMBDA = 0.15
PATH = "encoder.weight"


def quarter_round(s, a, b, c, d):
    for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[x] += s[y]
        s[z] ^= s[x]
        s[z] = (s[z] << np.uint32(turn)) | (s[z] >> np.uint32(32 - turn))


def words(key, count):
    """The first `count` words: ChaCha8, 64-bit block counter, stream id 0, sixteen blocks side by side."""
    groups = -(-count // 256)
    blocks = 16 * groups
    start = np.zeros((16, blocks), np.uint32)
    start[0:4] = np.frombuffer(b"expand 32-byte k", "<u4")[:, None]
    start[4:12] = np.frombuffer(key, "<u4")[:, None]
    start[12] = np.arange(blocks)
    state = start.copy()
    for _ in range(4):
        quarter_round(state, 0, 4, 8, 12)
        quarter_round(state, 1, 5, 9, 13)
        quarter_round(state, 2, 6, 10, 14)
        quarter_round(state, 3, 7, 11, 15)
        quarter_round(state, 0, 5, 10, 15)
        quarter_round(state, 1, 6, 11, 12)
        quarter_round(state, 2, 7, 8, 13)
        quarter_round(state, 3, 4, 9, 14)
    rows = (state + start).reshape(16, groups, 16)  # word of the block, group, block in the group
    return rows.transpose(1, 0, 2).reshape(-1)[:count]


def draws(seed, kind, count):
    key = hashlib.sha256(b"noisytune-burn/1" + seed.to_bytes(8, "little") + PATH.encode()).digest()
    stream = words(key, count + count % 2)
    if kind == "uniform":
        odd = (stream >> 8).astype(np.int64) * 2 + 1 - 2**24
        return (odd / 2**25).astype(np.float32)[:count]
    midpoints = (stream.astype(np.float64) + 0.5) / 2**32
    radius = np.sqrt(-2 * np.log(midpoints[0::2]))
    angle = 2 * np.pi * midpoints[1::2]
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return pairs.reshape(-1).astype(np.float32)[:count]


def to_bfloat16(values):
    """The upper half of f32, rounded to nearest, ties to even."""
    bits = values.astype(np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def from_bfloat16(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


def perturb(values, kind, draw):
    """`values` in f32 or f64; returns (std, result before rounding to the stored type)."""
    std = np.std(values.astype(np.float64), ddof=1)
    scale = LAMBDA * std / (np.sqrt(12) if kind == "matched_gaussian" else 1)
    return std, values + draw.astype(values.dtype) * values.dtype.type(scale)


def case(values, dtype, kind, seed):
    if dtype == "BF16":
        before = to_bfloat16(values)
        std, after = perturb(from_bfloat16(before), kind, draws(seed, kind, values.size))
        after = to_bfloat16(after)
    elif dtype == "F16":
        stored = values.astype(np.float16)
        std, after = perturb(stored.astype(np.float32), kind, draws(seed, kind, values.size))
        before, after = stored.view(np.uint16), after.astype(np.float16).view(np.uint16)
    else:
        float_type, bits = {"F32": (np.float32, np.uint32), "F64": (np.float64, np.uint64)}[dtype]
        stored = values.astype(float_type)
        std, after = perturb(stored, kind, draws(seed, kind, values.size))
        before, after = stored.view(bits), after.view(bits)
    return {
        "dtype": dtype,
        "kind": kind,
        "seed": seed,
        "std": std,
        "before": [int(x) for x in before],
        "after": [int(x) for x in after],
    }


def long_case():
    """100,003 elements (many blocks of the stream, and a remainder), kept as a SHA-256."""
    index = np.arange(100_003, dtype=np.uint64)
    values = ((index * 2654435761 % 2**32) >> 8).astype(np.float32) / np.float32(2**24)
    std, after = perturb(values, "uniform", draws(11, "uniform", values.size))
    return {
        "elements": int(values.size),
        "seed": 11,
        "std": std,
        "sha256": hashlib.sha256(after.astype("<f4").tobytes()).hexdigest(),
    }


def main():
    # Like trained weights, neither centred nor of unit size: 7 rows of 5.
    values = np.random.default_rng(3).normal(0.02, 0.4, 35)
    cases = [
        case(values, dtype, kind, seed)
        for dtype in ("F32", "F64", "F16", "BF16")
        for kind, seed in (("uniform", 7), ("gaussian", 2**64 - 1), ("matched_gaussian", 0))
    ]
    golden = {"lambda": LAMBDA, "path": PATH, "shape": [7, 5], "cases": cases, "long": long_case()}
    text = json.dumps(golden, indent=1)
    # Lists of numbers on one line.
    text = re.sub(r"\[[^\[\]{}]*\]", lambda numbers: " ".join(numbers[0].split()), text)
    pathlib.Path(__file__).with_name("noise.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
