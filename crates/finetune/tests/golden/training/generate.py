"""Makes the training goldens of the tiny checkpoint (encoders/tests/golden/tiny/snapshot).

Run in an environment with torch and transformers: python3 generate.py

  expected.safetensors  `step.N.*`: the ten batches; `gradient.*`: of batch 0 at the checkpoint's weights, before clipping;
                        `final.*`: every parameter after the ten steps; f32, parameters by their Hugging Face names
  expected.json         settings, the ten losses, learning rates and gradient norms, and what f32 itself loses
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent))

import numpy
import recipe
import tiny_bert
import torch
from safetensors.torch import save_file
from transformers import BertForSequenceClassification

STEPS, ROWS, PEAK = 10, 8, 1e-3


def batches():
    """Ten batches of unequal length.

    In every second one each row comes twice, under both labels: their gradients nearly cancel, and in some of these steps
    the global norm stays below the clipping threshold.
    """
    generator = numpy.random.Generator(numpy.random.PCG64(7))
    result = [tiny_bert.random_batch(generator, ROWS, int(generator.integers(12, 25))) for _ in range(STEPS)]
    half = ROWS // 2
    for batch in result[1::2]:
        for name, values in batch.items():
            values[half:] = 1 - values[:half] if name == "labels" else values[:half]
    return result


def checkpoint(dtype):
    model = BertForSequenceClassification.from_pretrained(
        tiny_bert.SNAPSHOT, attn_implementation="eager", dtype=torch.float32
    )
    return model.eval().to(dtype)


def run(dtype, batches):
    loss, gradients = recipe.gradients(checkpoint(dtype), batches[0])
    model = checkpoint(dtype)
    steps = recipe.train(model, batches, PEAK)
    return loss, gradients, steps, {name: p.detach() for name, p in model.named_parameters()}


def main():
    data = batches()
    loss, gradients, steps, final = run(torch.float32, data)
    _, exact_gradients, exact_steps, exact_final = run(torch.float64, data)
    assert loss == steps["losses"][0]
    clipped = sum(norm > recipe.MAX_NORM for norm in steps["gradient_norms"])
    assert 2 <= clipped <= STEPS - 2, steps["gradient_norms"]

    tensors = {f"step.{i}.{name}": tensor for i, batch in enumerate(data) for name, tensor in batch.items()}
    tensors |= {f"gradient.{name}": tensor for name, tensor in gradients.items()}
    tensors |= {f"final.{name}": tensor.clone() for name, tensor in final.items()}
    save_file(tensors, HERE / "expected.safetensors")

    # A key bias shifts every score of a row alike and softmax ignores that: its gradient is rounding noise, which AdamW
    # scales up to whole steps. Two correct programs differ there, and nothing else depends on it.
    start = dict(checkpoint(torch.float64).named_parameters())
    noisy = [name for name in final if name.endswith("key.bias")]
    tiny_bert.write_json(
        HERE / "expected.json",
        {
            "settings": recipe.settings(PEAK),
            "gradient_loss": loss,
            "gradient_norm": recipe.global_norm(gradients.values()),
            **steps,
            "rounding_noise_only": noisy,
            "f32_against_f64": {
                "losses": recipe.worst_relative(steps["losses"], exact_steps["losses"]),
                "gradient_norms": recipe.worst_relative(steps["gradient_norms"], exact_steps["gradient_norms"]),
                "gradients": max(recipe.relative(gradients[n], exact_gradients[n]) for n in gradients if n not in noisy),
                "final": max(recipe.relative(final[n], exact_final[n]) for n in final if n not in noisy),
                "updates": max(
                    recipe.relative(final[n] - start[n], exact_final[n] - start[n]) for n in final if n not in noisy
                ),
                "final_elements": max((final[n] - exact_final[n]).abs().max().item() for n in final if n not in noisy),
                "final_elements_of_noise_only": max((final[n] - exact_final[n]).abs().max().item() for n in noisy),
            },
        },
    )
    tiny_bert.write_versions(HERE)


if __name__ == "__main__":
    main()
