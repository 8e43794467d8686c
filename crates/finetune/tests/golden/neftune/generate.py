"""Makes the golden of NEFTune: Jain et al. (2023, arXiv:2310.05914), algorithm 1, in PyTorch.

    python3 generate.py

`alpha / sqrt(L d) * U(-1, 1)` with the sequence's own length L, zero on padding. The uniform draws are those of ChaCha8
under SHA-256(seed, "neftune"), in stream `step << 32 | row`, one 32-bit word an element, of which the upper 24 bits count.
"""

import hashlib
import json
import struct
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from chacha import dropout_mask

SEED, STEP, ALPHA, HIDDEN, LENGTHS = 2**40 + 3, 9, 5.0, 4, [6, 1, 5]


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


def main():
    key = hashlib.sha256(struct.pack("<Q", SEED) + b"neftune").digest()
    longest = max(LENGTHS)
    draws = torch.zeros(len(LENGTHS), longest, HIDDEN, dtype=torch.float64)
    for row, length in enumerate(LENGTHS):
        words = [word for counter in range(2) for word in block(key, STEP << 32 | row, counter)][: length * HIDDEN]
        units = [((word >> 8) + 0.5) / 2**23 - 1 for word in words]
        draws[row, :length] = torch.tensor(units, dtype=torch.float64).reshape(length, HIDDEN)
    mask = torch.arange(longest) < torch.tensor(LENGTHS)[:, None]
    # As in the authors' program: lengths from the mask, one magnitude a sequence.
    magnitude = ALPHA / torch.sqrt(mask.sum(1) * HIDDEN)
    noise = draws.float() * mask.unsqueeze(2) * magnitude.view(-1, 1, 1)
    golden = {"torch": torch.__version__, "seed": SEED, "step": STEP, "alpha": ALPHA, "hidden": HIDDEN}
    golden |= {"lengths": LENGTHS, "noise": noise.flatten().tolist()}
    Path(__file__).with_name("golden.json").write_text(json.dumps(golden) + "\n")


main()
