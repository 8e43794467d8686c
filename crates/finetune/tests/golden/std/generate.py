"""Makes the standard deviations and noise bounds of every parameter of two checkpoints.

Run in an environment with torch and transformers: NOISYTUNE_ASSETS=DIR python3 generate.py
DIR holds models/all-MiniLM-L6-v2.

  tiny.json    encoders/tests/golden/tiny/snapshot
  minilm.json  all-MiniLM-L6-v2

The deviation is torch.std (unbiased) of the f32 values taken in f64; the noise of NoisyTune is uniform within plus or minus
`bound` = lambda / 2 * std. `std_f32` is what torch.std gives in f32, as the paper's snippet computes it.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parents[3] / "encoders/tests/golden"))

import tiny_bert
from safetensors.torch import load_file

LAMBDA = 0.15


def deviations(path):
    """By Hugging Face name; buffers of integers are not parameters."""
    result = {}
    for name, tensor in sorted(load_file(path).items()):
        if tensor.is_floating_point():
            std = tensor.double().std().item()
            result[name] = {
                "elements": tensor.numel(),
                "std": std,
                "std_f32": tensor.std().item(),
                "bound": LAMBDA / 2 * std,
            }
    return {"lambda": LAMBDA, "parameters": result}


if __name__ == "__main__":
    models = Path(os.environ["NOISYTUNE_ASSETS"]) / "models"
    tiny_bert.write_json(HERE / "tiny.json", deviations(tiny_bert.SNAPSHOT / "model.safetensors"))
    tiny_bert.write_json(HERE / "minilm.json", deviations(models / "all-MiniLM-L6-v2/model.safetensors"))
    tiny_bert.write_versions(HERE)
