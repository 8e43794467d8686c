"""Makes the golden of NEFTune: Jain et al. (2023, arXiv:2310.05914), algorithm 1, in PyTorch.

    python3 generate.py

`alpha / sqrt(L d) * U(-1, 1)` with the sequence's own length L, zero on padding. The uniform draws are those of ChaCha8
under SHA-256(seed, "neftune"), in stream `step << 32 | row`, one 32-bit word an element, of which the upper 24 bits count.
"""

import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from chacha import uniform, words

SEED, STEP, ALPHA, HIDDEN, LENGTHS = 2**40 + 3, 9, 5.0, 4, [6, 1, 5]


def main():
    longest = max(LENGTHS)
    draws = torch.zeros(len(LENGTHS), longest, HIDDEN, dtype=torch.float64)
    for row, length in enumerate(LENGTHS):
        units = [uniform(word) for word in words(SEED, "neftune", STEP, row, length * HIDDEN)]
        draws[row, :length] = torch.tensor(units, dtype=torch.float64).reshape(length, HIDDEN)
    mask = torch.arange(longest) < torch.tensor(LENGTHS)[:, None]
    # As in the authors' program: lengths from the mask, one magnitude a sequence.
    magnitude = ALPHA / torch.sqrt(mask.sum(1) * HIDDEN)
    noise = draws.float() * mask.unsqueeze(2) * magnitude.view(-1, 1, 1)
    golden = {"torch": torch.__version__, "seed": SEED, "step": STEP, "alpha": ALPHA, "hidden": HIDDEN}
    golden |= {"lengths": LENGTHS, "noise": noise.flatten().tolist()}
    Path(__file__).with_name("golden.json").write_text(json.dumps(golden) + "\n")


main()
