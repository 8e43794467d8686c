"""Finetunes transformers' classifier on SST-2 in PyTorch: the forward pass, the gradients, clipping, AdamW.

With --steps, times that many steps, after some to warm up. Without, trains one epoch and evaluates, for a clock outside.
Attention is PyTorch's fused one (SDPA), the default of transformers.

usage: python finetune.py --model SNAPSHOT --data SST-2 [--steps N] [--max-train-samples N] [--batch-size N]
           [--max-length N] [--pad longest|max] [--group-by-length] [--fused-adamw] [--compile]
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

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--data", type=Path, required=True)
parser.add_argument("--steps", type=int, default=0)
parser.add_argument("--max-train-samples", type=int, default=8192)
parser.add_argument("--batch-size", type=int, default=32)
parser.add_argument("--max-length", type=int, default=128)
parser.add_argument("--pad", choices=["longest", "max"], default="longest")
parser.add_argument("--group-by-length", action="store_true", help="sort within 50 batches, as transformers' Trainer does")
parser.add_argument("--fused-adamw", action="store_true", help="one kernel for all parameters")
parser.add_argument("--compile", action="store_true", help="torch.compile with dynamic shapes")
options = parser.parse_args()

# A compiled model is compiled again when the first other shapes come.
WARM_UP = 8 if options.compile else 3

torch.manual_seed(0)
tokenizer = AutoTokenizer.from_pretrained(options.model)
model = AutoModelForSequenceClassification.from_pretrained(options.model, num_labels=2, dtype=torch.float32)
model.train()


def read(name):
    with open(options.data / name, encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(sentence.strip(), int(label)) for sentence, label in list(rows)[1:]]


def batch(rows):
    inputs = tokenizer(
        [sentence for sentence, _ in rows],
        truncation=True,
        max_length=options.max_length,
        padding="longest" if options.pad == "longest" else "max_length",
        return_tensors="pt",
    )
    return inputs, torch.tensor([label for _, label in rows])


def batches(rows):
    size = options.batch_size
    parts = [rows[start : start + size] for start in range(0, len(rows), size)]
    if not options.group_by_length:
        return parts
    grouped = []
    for start in range(0, len(rows), 50 * size):
        group = sorted(rows[start : start + 50 * size], key=lambda row: -len(row[0]))
        grouped += [group[at : at + size] for at in range(0, len(group), size)]
    random.Random(1).shuffle(grouped)
    return grouped


train = read("train.tsv")
train = random.Random(0).sample(train, min(options.max_train_samples, len(train)))
train = batches(train)

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
    [{"params": decaying, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}],
    lr=2e-5,
    eps=1e-8,
    fused=options.fused_adamw,
)
steps = WARM_UP + options.steps if options.steps else len(train)
warm_up = len(train) // 10
schedule = torch.optim.lr_scheduler.LambdaLR(
    optimizer, lambda step: step / max(1, warm_up) if step < warm_up else (len(train) - step) / (len(train) - warm_up)
)
step_model = torch.compile(model, dynamic=True) if options.compile else model

examples, tokens = 0, 0
for step in range(steps):
    if step == WARM_UP:
        examples, tokens, started = 0, 0, time.perf_counter()
    inputs, labels = batch(train[step % len(train)])
    step_model(**inputs, labels=labels).loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    schedule.step()
    optimizer.zero_grad()
    examples += len(labels)
    tokens += int(inputs["attention_mask"].sum())

if options.steps:
    seconds = time.perf_counter() - started
    timing = {
        "examples_per_s": examples / seconds,
        "s_per_step": seconds / options.steps,
        "tokens_per_s": tokens / seconds,
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(timing))
else:
    model.eval()
    right = 0
    dev = read("dev.tsv")
    with torch.no_grad():
        for start in range(0, len(dev), 64):
            inputs, labels = batch(dev[start : start + 64])
            right += int((model(**inputs).logits.argmax(-1) == labels).sum())
    print(json.dumps({"dev_accuracy": right / len(dev)}))
