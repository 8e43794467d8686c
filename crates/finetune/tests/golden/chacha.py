"""The dropout mask and ChaCha8 as fused's golden writes them out, and the streams that the methods draw from."""

import functools
import hashlib
import importlib.util
import struct
import sys
from pathlib import Path

sys.dont_write_bytecode = True
PATH = Path(__file__).parents[3] / "fused/tests/golden/dropout_mask/generate.py"
SPEC = importlib.util.spec_from_file_location("dropout_mask", PATH)
dropout_mask = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(dropout_mask)


@functools.lru_cache(maxsize=None)
def block(key, stream, counter):
    """One block of ChaCha8 in a stream."""
    start = [*struct.unpack("<4I", b"expand 32-byte k"), *struct.unpack("<8I", key)]
    start += [counter & 0xFFFFFFFF, counter >> 32, stream & 0xFFFFFFFF, stream >> 32]
    x = start.copy()
    for _ in range(4):
        for column in range(4):
            dropout_mask.quarter_round(x, column, 4 + column, 8 + column, 12 + column)
        for i in range(4):
            dropout_mask.quarter_round(x, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return [(a + b) & 0xFFFFFFFF for a, b in zip(x, start)]


def words(seed, name, batch, row, count):
    """The first words of what a method draws for a sequence: keyed by SHA-256(seed, name), stream `batch << 32 | row`."""
    key = hashlib.sha256(struct.pack("<Q", seed) + name.encode()).digest()
    blocks = [block(key, batch << 32 | row, counter) for counter in range(-(-count // 16))]
    return [word for words in blocks for word in words][:count]


def uniform(word):
    """In (-1, 1): the upper 24 bits count."""
    return ((word >> 8) + 0.5) / 2**23 - 1


@functools.lru_cache(maxsize=None)
def dropout_block(key, counter):
    """A block of the stream of dropout masks."""
    return dropout_mask.chacha(key, counter, 8)


def kept(key, threshold, element):
    """Whether a mask keeps an element; as `dropout_mask.kept`, with every block made once."""
    group, inside = divmod(element, 512)
    word, rest = divmod(inside, 32)
    half, lane = divmod(rest, 16)
    return dropout_block(key, 16 * group + lane)[word] >> 16 * half & 0xFFFF >= threshold
