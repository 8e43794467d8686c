"""Makes the training goldens of all-MiniLM-L6-v2 with a fixed head, on sentences written for this file.

Run in an environment with torch and transformers: NOISYTUNE_ASSETS=DIR python3 generate.py
DIR holds models/all-MiniLM-L6-v2.

expected.json:
  head            `classifier.weight` [2, 384] and `classifier.bias` [2]
  batches         ten batches of 8, padded to their longest
  gradient_*      of batch 0 at the checkpoint's weights, before clipping: loss and global norm
  gradients       by Hugging Face name: L2 norm, the first and last 8 elements, and the 8 largest with their flat indices
  losses, learning_rates, gradient_norms   of ten steps of the recipe
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent))

import recipe
import tiny_bert
import torch
from transformers import AutoTokenizer, BertForSequenceClassification

STEPS, ROWS, PEAK = 10, 8, 2e-5

SENTENCES = [
    ("The harbour at dawn is filmed with such patience that one forgets to breathe.", 1),
    ("Nothing happens, twice, and then the lights come on.", 0),
    ("A warm, crooked little comedy about two beekeepers who cannot stand honey.", 1),
    ("Loud.", 0),
    ("The orchestra saves what the dialogue keeps trying to drown.", 1),
    ("I counted the ceiling tiles: there are four hundred and twelve.", 0),
    ("Every actor seems to have read a different script, and none of them the right one.", 0),
    ("It is rare that a sequel apologises so gracefully for its parent.", 1),
    ("Her final monologue, spoken to a broken radio, is worth the ticket on its own.", 1),
    ("The twist arrives by post, unstamped, and the audience has to pay.", 0),
    ("Brave, funny and exactly as long as it needs to be!", 1),
    ("A puzzle with no missing pieces and no picture either.", 0),
    ("Even the rain looks bored.", 0),
    ("Small film, large heart, and a goat that deserves its own award.", 1),
    ("The director's third attempt at the same story is also the third best.", 0),
    ("You leave the cinema wanting to telephone everybody you have ever known, which is praise enough.", 1),
]


def batches(tokenizer):
    """Step after step takes 8 of the 16 sentences, beginning five further on each time."""
    result = []
    for step in range(STEPS):
        rows = [SENTENCES[(5 * step + row) % len(SENTENCES)] for row in range(ROWS)]
        batch = dict(tokenizer([text for text, _ in rows], padding="longest", return_tensors="pt"))
        result.append(batch | {"labels": torch.tensor([label for _, label in rows])})
    return result


def summary(gradient):
    flat = gradient.flatten()
    largest = flat.abs().topk(min(8, flat.numel())).indices.tolist()
    return {
        "norm": torch.linalg.vector_norm(flat.double()).item(),
        "first": flat[:8].tolist(),
        "last": flat[-8:].tolist(),
        "largest": [[index, flat[index].item()] for index in largest],
    }


def main():
    folder = Path(os.environ["NOISYTUNE_ASSETS"]) / "models/all-MiniLM-L6-v2"
    head = tiny_bert.minilm_head()
    data = batches(AutoTokenizer.from_pretrained(folder))

    def checkpoint(dtype):
        model = BertForSequenceClassification.from_pretrained(
            folder, num_labels=2, attn_implementation="eager", dtype=torch.float32
        )
        model.load_state_dict(head, strict=False)
        return model.eval().to(dtype)

    model = checkpoint(torch.float32)
    loss, gradients = recipe.gradients(model, data[0])
    steps = recipe.train(model, data, PEAK)
    exact_model = checkpoint(torch.float64)
    _, exact_gradients = recipe.gradients(exact_model, data[0])
    exact_steps = recipe.train(exact_model, data, PEAK)

    # See training/generate.py.
    noisy = [name for name in gradients if name.endswith("key.bias")]
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
            },
            "gradients": {name: summary(gradient) for name, gradient in gradients.items()},
            "head": {name: tensor.tolist() for name, tensor in head.items()},
            "batches": [{name: tensor.tolist() for name, tensor in batch.items()} for batch in data],
        },
    )
    tiny_bert.write_versions(HERE)


if __name__ == "__main__":
    main()
