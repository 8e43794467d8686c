"""Makes what transformers' BertForMaskedLM computes from the tiny checkpoint's variant `masked_lm`.

Run after ../tiny/generate.py, in an environment with torch and transformers: python3 generate.py

  expected.safetensors  for the batch of ../tiny/expected.safetensors: the places where words are predicted
                        (row * length + column), the words, the logits there, the loss (mean over the places), and
                        its gradient for every parameter, all in f32

The decoder is tied to the word embeddings, so the gradient of the latter is the sum of both uses.
"""

import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent))

import numpy
import tiny_bert
import torch
from safetensors.torch import load_file, save_file
from transformers import BertForMaskedLM

TINY = HERE.parent / "tiny"
PREDICTED = 14


def model():
    """The variant as transformers loads it, in evaluation mode: no dropout, the plain attention formula."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(TINY / "snapshot/config.json", folder)
        shutil.copy(TINY / "variants/masked_lm.safetensors", Path(folder) / "model.safetensors")
        result = BertForMaskedLM.from_pretrained(folder, attn_implementation="eager").eval()
    assert result.cls.predictions.decoder.weight is result.bert.embeddings.word_embeddings.weight
    return result


def main():
    tiny = load_file(TINY / "expected.safetensors")
    inputs = {name: tiny[name] for name in ("input_ids", "attention_mask", "token_type_ids")}
    generator = numpy.random.Generator(numpy.random.PCG64(15))
    real = numpy.flatnonzero(inputs["attention_mask"].numpy())
    places = torch.from_numpy(numpy.sort(generator.choice(real, PREDICTED, replace=False)))
    targets = torch.from_numpy(generator.integers(0, len(tiny_bert.vocabulary()), PREDICTED))

    bert = model()
    labels = torch.full_like(inputs["input_ids"], -100)
    labels.view(-1)[places] = targets
    output = bert(**inputs, labels=labels)
    output.loss.backward()
    result = {
        "places": places,
        "targets": targets,
        "logits": output.logits.detach().flatten(0, 1)[places].contiguous(),
        "loss": output.loss.detach().reshape(1),
    }
    for name, parameter in bert.named_parameters():
        assert parameter.grad is not None, name
        result[f"gradient.{name}"] = parameter.grad
    assert "gradient.bert.embeddings.word_embeddings.weight" in result
    save_file(result, HERE / "expected.safetensors")
    tiny_bert.write_versions(HERE)


if __name__ == "__main__":
    main()
