"""Times training steps of transformers' classifier on SST-2 in PyTorch: the forward pass, the gradients, clipping, AdamW.

Each batch is padded to its longest sentence. Three steps before the clock starts warm up.

usage: python train_steps.py --model SNAPSHOT --data SST-2 [--steps N] [--batch-size N]
"""

import argparse
import csv
import json
import random
import resource
import time
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

WARM_UP = 3

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--data", type=Path, required=True)
parser.add_argument("--steps", type=int, default=10)
parser.add_argument("--batch-size", type=int, default=32)
options = parser.parse_args()

torch.manual_seed(0)
tokenizer = AutoTokenizer.from_pretrained(options.model)
model = AutoModelForSequenceClassification.from_pretrained(options.model, num_labels=2, dtype=torch.float32)
model.train()

with open(options.data / "train.tsv", encoding="utf-8", newline="") as file:
    rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
rows = random.Random(0).sample(rows, (WARM_UP + options.steps) * options.batch_size)

# As transformers' Trainer: neither the weights of normalisations nor biases decay.
norms = {
    id(parameter)
    for layer in model.modules()
    if isinstance(layer, torch.nn.LayerNorm)
    for parameter in layer.parameters()
}
decaying, others = [], []
for name, parameter in model.named_parameters():
    (others if id(parameter) in norms or name.endswith("bias") else decaying).append(parameter)
optimizer = torch.optim.AdamW(
    [{"params": decaying, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}], lr=2e-5, eps=1e-8
)

tokens = 0
for step in range(WARM_UP + options.steps):
    if step == WARM_UP:
        tokens, started = 0, time.perf_counter()
    batch = rows[step * options.batch_size : (step + 1) * options.batch_size]
    inputs = tokenizer(
        [sentence.strip() for sentence, _ in batch],
        truncation=True,
        max_length=128,
        padding="longest",
        return_tensors="pt",
    )
    model(**inputs, labels=torch.tensor([int(label) for _, label in batch])).loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    tokens += int(inputs["attention_mask"].sum())
seconds = time.perf_counter() - started

print(
    json.dumps(
        {
            "examples_per_s": options.steps * options.batch_size / seconds,
            "s_per_step": seconds / options.steps,
            "tokens_per_s": tokens / seconds,
            "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    )
)
