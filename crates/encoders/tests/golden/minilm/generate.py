"""Makes what transformers computes with all-MiniLM-L6-v2 and a fixed random head on 64 SST-2 dev sentences.

Run in an environment with torch and transformers: NOISYTUNE_ASSETS=DIR python3 generate.py
DIR holds models/all-MiniLM-L6-v2 and datasets/SST-2.

  expected.safetensors  `classifier.weight`, `classifier.bias`: the head, dense after tanh pooling, no dropout
                        `lengths` [64]: tokens of each sentence, with [CLS] and [SEP]
                        `last_hidden_state` [sum of lengths, 384]: the last layer at those tokens, sentence after sentence
                        `logits` [64, 2]; all in f32
  expected.json         hashes: of the model and data files, and of all token ids as little-endian u32 one after another

The sentences are the first 64 rows of dev.tsv, padded to the longest in one batch; no text or token id is stored.
"""

import csv
import hashlib
import os
import struct
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent))

import tiny_bert
import torch
from safetensors.torch import save_file
from transformers import AutoTokenizer, BertForSequenceClassification

ROWS = 64


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def main():
    assets = Path(os.environ["NOISYTUNE_ASSETS"])
    folder = assets / "models/all-MiniLM-L6-v2"
    data = assets / "datasets/SST-2/dev.tsv"
    with open(data, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    sentences = [row[0] for row in rows[1 : ROWS + 1]]

    tokenizer = AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer(sentences, truncation=True, max_length=128, padding="longest", return_tensors="pt")
    model = BertForSequenceClassification.from_pretrained(
        folder, num_labels=2, attn_implementation="eager", dtype=torch.float32
    )
    head = tiny_bert.minilm_head()
    model.load_state_dict(head, strict=False)
    model.eval()

    def forward():
        with torch.no_grad():
            output = model(**inputs, output_hidden_states=True)
        return output.hidden_states[-1][inputs["attention_mask"].bool()], output.logits

    hidden, logits = forward()
    model.double()
    exact_hidden, exact_logits = forward()
    valid = [row[mask.bool()].tolist() for row, mask in zip(inputs["input_ids"], inputs["attention_mask"])]
    flat = [token for row in valid for token in row]
    expected = head | {
        "lengths": torch.tensor([len(row) for row in valid]),
        "last_hidden_state": hidden.contiguous(),
        "logits": logits,
    }
    save_file(expected, HERE / "expected.safetensors")

    def loss_of_precision(ours, exact):
        difference = ours.double() - exact
        return {"relative": (difference.norm() / exact.norm()).item(), "element": difference.abs().max().item()}

    tiny_bert.write_json(
        HERE / "expected.json",
        {
            "model.safetensors": sha256((folder / "model.safetensors").read_bytes()),
            "dev.tsv": sha256(data.read_bytes()),
            "token_ids": sha256(struct.pack(f"<{len(flat)}I", *flat)),
            "f32_against_f64": {
                "last_hidden_state": loss_of_precision(hidden, exact_hidden),
                "logits": loss_of_precision(logits, exact_logits),
            },
        },
    )
    tiny_bert.write_versions(HERE)


if __name__ == "__main__":
    main()
