"""Makes the golden of the arms that only perturb: what each does to every parameter of the tiny checkpoint.

    python3 generate.py        (needs torch, safetensors and numpy)

Wu et al. (2022), section 3: `W + U(-lambda/2, lambda/2) * std(W)`, with torch.std in f64. Its controls take N(0, lambda^2), or one
std over the elements of all matrices together. `gaussian-matched` has the variance of NoisyTune's noise, lambda^2 / 12. The head
is not pretrained: it stays as it is, and is not in the golden. The unit draws are those of noisytune-burn's golden.

    expected.json           lambda, seed, arms
    expected.safetensors    ARM/PARAMETER after the noise, by Hugging Face name and in PyTorch's layout
"""

import importlib.util
import math
import sys
from pathlib import Path

HERE = Path(__file__).parent
CRATES = HERE.parents[3]
sys.dont_write_bytecode = True
sys.path.insert(0, str(CRATES / "encoders/tests/golden"))

import tiny_bert
import torch
from safetensors.torch import load_file, save_file

SPEC = importlib.util.spec_from_file_location("noise", CRATES / "noisytune-burn/tests/golden/noise/generate.py")
noise = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(noise)

LAMBDA, SEED = 0.15, 5
# Kind of draw, its factor, and whether there is one std for the model.
ARMS = {
    "noisytune": ("uniform", LAMBDA, False),
    "gaussian": ("gaussian", LAMBDA, False),
    "gaussian-matched": ("gaussian", LAMBDA / math.sqrt(12), False),
    "global-uniform": ("uniform", LAMBDA, True),
    "global-gaussian": ("gaussian", LAMBDA, True),
}


def path_of(name):
    """The path of a parameter in Burn's module, which its draws belong to."""
    name = name.replace(".self.", ".self_attention.")
    return name.replace(".LayerNorm.weight", ".layer_norm.gamma").replace(".LayerNorm.bias", ".layer_norm.beta")


def unit_draws(name, kind, shape):
    """In PyTorch's layout: Burn keeps the weight of a linear layer transposed, and draws in its own order."""
    is_transposed = len(shape) == 2 and "embeddings" not in name
    noise.PATH = path_of(name)
    draws = torch.tensor(noise.draws(SEED, kind, math.prod(shape)))
    return draws.reshape(shape[::-1]).T if is_transposed else draws.reshape(shape)


def main():
    parameters = load_file(tiny_bert.SNAPSHOT / "model.safetensors").items()
    body = {name: tensor for name, tensor in parameters if not name.startswith("classifier.")}
    pooled = torch.cat([tensor.double().flatten() for tensor in body.values()]).std()
    expected = {}
    for arm, (kind, factor, is_global) in ARMS.items():
        for name, tensor in body.items():
            std = pooled if is_global else tensor.double().std()
            after = tensor + unit_draws(name, kind, tensor.shape) * (factor * std).float()
            expected[f"{arm}/{name}"] = after.contiguous()
    save_file(expected, HERE / "expected.safetensors")
    tiny_bert.write_json(HERE / "expected.json", {"lambda": LAMBDA, "seed": SEED, "arms": list(ARMS)})
    tiny_bert.write_versions(HERE)


main()
