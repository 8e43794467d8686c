"""Makes the golden of Mixout: Lee, Cho and Kang (2020, arXiv:1909.11299), equation 8, in PyTorch, f64.

    python3 generate.py

The mask is that of fused's dropout under the key in the file; `gradient` is of sum(upstream * mixed) by the weight.
"""

import json
import struct
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from chacha import dropout_mask

SHAPE, SEED, STEP, SITE, THRESHOLD = (9, 7), 2**60 + 17, 5, 3, 45875  # 0.7 in steps of 1/65536


def main():
    generator = torch.Generator().manual_seed(5)
    draw = lambda: torch.randn(SHAPE, generator=generator).double()
    weight, target, upstream = draw().requires_grad_(), draw(), draw()
    key = struct.pack("<QQI", SEED, STEP, SITE) + bytes(12)
    kept = [dropout_mask.kept(key, THRESHOLD, i) for i in range(weight.numel())]
    replaced = ~torch.tensor(kept).reshape(SHAPE)
    p = THRESHOLD / 65536
    mixed = (torch.where(replaced, target, weight) - p * target) / (1 - p)
    (mixed * upstream).sum().backward()
    golden = {"torch": torch.__version__, "shape": SHAPE, "probability": p, "seed": SEED, "step": STEP, "site": SITE}
    for name, tensor in [
        ("weight", weight), ("target", target), ("upstream", upstream), ("mixed", mixed), ("gradient", weight.grad)
    ]:
        golden[name] = tensor.detach().flatten().tolist()
    Path(__file__).with_name("golden.json").write_text(json.dumps(golden) + "\n")


main()
