"""Makes the golden of Mixout: Lee, Cho and Kang (2020, arXiv:1909.11299), equation 8, in PyTorch, f64.

    python3 generate.py

The masks are those of fused's dropout under the key in the file, of every weight ("mixconnect") or of every input, repeated
for its weights ("mixout"); `gradient` is of sum(upstream * mixed) by the weight.
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
    kept = lambda count: torch.tensor([dropout_mask.kept(key, THRESHOLD, i) for i in range(count)])
    p = THRESHOLD / 65536
    golden = {"torch": torch.__version__, "shape": SHAPE, "probability": p, "seed": SEED, "step": STEP, "site": SITE}
    golden |= {name: tensor.detach().flatten().tolist() for name, tensor in [("weight", weight), ("target", target), ("upstream", upstream)]}
    # The program keeps weights by [inputs, outputs].
    for name, mask in [("mixconnect", kept(weight.numel()).reshape(SHAPE)), ("mixout", kept(SHAPE[0])[:, None])]:
        weight.grad = None
        mixed = (torch.where(mask, weight, target) - p * target) / (1 - p)
        (mixed * upstream).sum().backward()
        golden[f"{name}.mixed"] = mixed.detach().flatten().tolist()
        golden[f"{name}.gradient"] = weight.grad.flatten().tolist()
    Path(__file__).with_name("golden.json").write_text(json.dumps(golden) + "\n")


main()
