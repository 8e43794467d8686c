"""Makes the goldens of pairs with a score: the tiny checkpoint (encoders/tests/golden/tiny/snapshot) with a head of one
output, trained by transformers on the squared error.

Run in an environment with torch and transformers: python3 generate.py

  snapshot/             the checkpoint: its config.json asks for one label
  expected.safetensors  `step.N.*`: the five batches, pairs all of them; `step.N.logits`: at the checkpoint's weights;
                        `gradient.*`: of batch 0 at these weights, before clipping; `final.*`: every parameter after the
                        five steps; f32, parameters by their Hugging Face names
  expected.json         settings, the five losses, learning rates and gradient norms, and what f32 itself loses
"""

import shutil
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

STEPS, ROWS, PEAK = 5, 8, 1e-3
SNAPSHOT = HERE / "snapshot"


def batches():
    """Five batches of pairs of unequal length, with scores from 0 to 5."""
    generator = numpy.random.Generator(numpy.random.PCG64(11))
    tokens = tiny_bert.vocabulary()
    cls, sep, first = tokens.index("[CLS]"), tokens.index("[SEP]"), len(tiny_bert.SPECIAL)
    result = []
    for _ in range(STEPS):
        longest = int(generator.integers(16, 33))
        ids = numpy.zeros((ROWS, longest), dtype=numpy.int64)
        mask, types = numpy.zeros_like(ids), numpy.zeros_like(ids)
        for row in range(ROWS):
            length = longest if row == 0 else int(generator.integers(5, longest + 1))
            middle = int(generator.integers(2, length - 2))
            ids[row, :length] = generator.integers(first, len(tokens), length)
            ids[row, [0, middle, length - 1]] = cls, sep, sep
            mask[row, :length] = 1
            types[row, middle + 1 : length] = 1
        labels = generator.uniform(0, 5, ROWS).astype(numpy.float32)
        parts = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types, "labels": labels}
        result.append({name: torch.from_numpy(values) for name, values in parts.items()})
    return result


def write_snapshot():
    """The encoder of the tiny checkpoint under a head of one output."""
    config = tiny_bert.config()
    config.num_labels = 1
    model = BertForSequenceClassification._from_config(config, attn_implementation="eager", dtype=torch.float32)
    tiny_bert.fill(model, seed=20220224).eval().save_pretrained(SNAPSHOT)
    shutil.copy(tiny_bert.SNAPSHOT / "tokenizer.json", SNAPSHOT)


def checkpoint(dtype):
    model = BertForSequenceClassification.from_pretrained(SNAPSHOT, attn_implementation="eager", dtype=torch.float32)
    assert model.config.num_labels == 1
    return model.eval().to(dtype)


def run(dtype, batches):
    batches = [batch | {"labels": batch["labels"].to(dtype)} for batch in batches]
    with torch.no_grad():
        outputs = [checkpoint(dtype)(**batch) for batch in batches]
    for output, batch in zip(outputs, batches):
        squares = (output.logits[:, 0] - batch["labels"]) ** 2
        assert torch.allclose(output.loss, squares.mean()), "transformers' loss is the mean squared error"
    loss, gradients = recipe.gradients(checkpoint(dtype), batches[0])
    model = checkpoint(dtype)
    steps = recipe.train(model, batches, PEAK)
    final = {name: p.detach() for name, p in model.named_parameters()}
    return [output.logits for output in outputs], loss, gradients, steps, final


def main():
    write_snapshot()
    data = batches()
    logits, loss, gradients, steps, final = run(torch.float32, data)
    exact_logits, _, exact_gradients, exact_steps, exact_final = run(torch.float64, data)
    assert loss == steps["losses"][0]

    tensors = {f"step.{i}.{name}": tensor for i, batch in enumerate(data) for name, tensor in batch.items()}
    tensors |= {f"step.{i}.logits": tensor for i, tensor in enumerate(logits)}
    tensors |= {f"gradient.{name}": tensor for name, tensor in gradients.items()}
    tensors |= {f"final.{name}": tensor.clone() for name, tensor in final.items()}
    save_file(tensors, HERE / "expected.safetensors")

    # As in ../training: softmax ignores a key bias.
    noisy = [name for name in final if name.endswith("key.bias")]
    clean = [name for name in final if name not in noisy]
    start = dict(checkpoint(torch.float64).named_parameters())
    tiny_bert.write_json(
        HERE / "expected.json",
        {
            "settings": recipe.settings(PEAK),
            "gradient_loss": loss,
            "gradient_norm": recipe.global_norm(gradients.values()),
            **steps,
            "rounding_noise_only": noisy,
            "f32_against_f64": {
                "logits": max(recipe.relative(ours, exact) for ours, exact in zip(logits, exact_logits)),
                "losses": recipe.worst_relative(steps["losses"], exact_steps["losses"]),
                "gradient_norms": recipe.worst_relative(steps["gradient_norms"], exact_steps["gradient_norms"]),
                "gradients": max(recipe.relative(gradients[n], exact_gradients[n]) for n in clean),
                "updates": max(recipe.relative(final[n] - start[n], exact_final[n] - start[n]) for n in clean),
            },
        },
    )
    tiny_bert.write_versions(HERE)


if __name__ == "__main__":
    main()
