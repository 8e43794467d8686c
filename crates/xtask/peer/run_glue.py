#!/usr/bin/env python3
"""Finetunes a checkpoint on GLUE tasks with PyTorch and transformers: the peer of this repository's program.

The recipe is transformers' run_glue.py's: a head of its own for each seed, dropout as the checkpoint's config says, AdamW
without weight decay on biases and LayerNorm, linear warm-up and decay, clipping by the global norm. Batches are shuffled. The
gradient of a batch is summed over parts of similar length, which is the same gradient with less padding. Appends one JSON line per run to --out, and skips the runs that are there.

usage: run_glue.py --model SNAPSHOT --data FOLDER --tasks rte,mrpc --out FILE [--seeds 0,1,2] [--epochs 3] ...
"""

import argparse
import json
import math
import pathlib
import platform
import random
import time

import numpy
import scipy
import sklearn
import tokenizers
import torch
import transformers

from glue_tasks import TASKS, scores, sha256

EVALUATION_BATCH = 64

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True, type=pathlib.Path)
parser.add_argument("--data", required=True, type=pathlib.Path, help="folder with one folder per task, as GLUE names them")
parser.add_argument("--tasks", required=True, help=f"comma-separated, of {', '.join(TASKS)}")
parser.add_argument("--out", required=True, type=pathlib.Path, help="JSON lines to append to")
parser.add_argument("--seeds", default="0,1,2")
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--batch-size", type=int, default=32)
parser.add_argument("--learning-rate", type=float, default=5e-5)
parser.add_argument("--weight-decay", type=float, default=0.01)
parser.add_argument("--warmup-ratio", type=float, default=0.1)
parser.add_argument("--max-gradient-norm", type=float, default=1.0)
parser.add_argument("--max-length", type=int, default=128)
parser.add_argument("--max-train-samples", type=int)
parser.add_argument("--fresh", choices=["pooler"], help="draw it from the seed, whatever the checkpoint holds")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--part", type=int, default=8, help="examples that go through the model together; the gradient does not depend on it")
parser.add_argument("--time-steps", type=int, help="only time this many steps of each task, after 3 others")


def tokenized(tokenizer, task, path, max_length, most=None):
    """Encodings without padding, and labels."""
    texts, labels = task.read(path)
    texts, labels = texts[:most], labels[:most]
    encoded = tokenizer(*map(list, zip(*texts)), truncation="longest_first", max_length=max_length)
    return [{name: encoded[name][i] for name in encoded} for i in range(len(texts))], labels


def parts(tokenizer, encodings, positions, size):
    """Tensors padded to the longest of each part, with the positions they hold, from the shortest to the longest."""
    positions = sorted(positions, key=lambda i: len(encodings[i]["input_ids"]))
    for start in range(0, len(positions), size):
        part = positions[start : start + size]
        yield part, tokenizer.pad([encodings[i] for i in part], padding="longest", return_tensors="pt")


def predict(model, tokenizer, encodings, is_score):
    """A class or a score for every example."""
    model.eval()
    predictions = [None] * len(encodings)
    with torch.no_grad():
        for positions, part in parts(tokenizer, encodings, range(len(encodings)), EVALUATION_BATCH):
            logits = model(**part).logits
            values = (logits.squeeze(-1) if is_score else logits.argmax(-1)).tolist()
            for position, value in zip(positions, values):
                predictions[position] = value
    model.train()
    return predictions


def run(options, tokenizer, name, seed):
    task = TASKS[name]
    folder = options.data / task.folder
    train, labels = tokenized(tokenizer, task, folder / "train.tsv", options.max_length, options.max_train_samples)
    sets = {s: tokenized(tokenizer, task, folder / f, options.max_length) for s, f in task.sets.items()}
    is_score = task.classes is None

    random.seed(seed), numpy.random.seed(seed), torch.manual_seed(seed)
    outputs = 1 if is_score else len(task.classes)
    # One output makes transformers train on the squared error.
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        options.model, num_labels=outputs, dtype=torch.float32
    )
    if options.fresh:
        torch.nn.init.normal_(model.bert.pooler.dense.weight, std=model.config.initializer_range)
        torch.nn.init.zeros_(model.bert.pooler.dense.bias)
    no_decay = ("bias", "LayerNorm.weight")
    named = list(model.named_parameters())
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for n, p in named if not n.endswith(no_decay)], "weight_decay": options.weight_decay},
            {"params": [p for n, p in named if n.endswith(no_decay)], "weight_decay": 0.0},
        ],
        lr=options.learning_rate,
        fused=True,
    )
    per_epoch = math.ceil(len(train) / options.batch_size)
    total = per_epoch * options.epochs
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, int(total * options.warmup_ratio), total)

    kind = torch.float32 if is_score else torch.long
    model.train()
    epochs, step, seconds, timed = [], 0, 0.0, None
    for epoch in range(options.epochs):
        started, total_loss = time.perf_counter(), 0.0
        order = torch.randperm(len(train)).tolist()
        for start in range(0, len(order), options.batch_size):
            if options.time_steps and step == 3:
                timed = time.perf_counter()
            batch = order[start : start + options.batch_size]
            for positions, part in parts(tokenizer, train, batch, options.part):
                targets = torch.tensor([labels[i] for i in positions], dtype=kind)
                loss = model(**part, labels=targets).loss * len(positions)
                (loss / len(batch)).backward()
                total_loss += loss.item()
            torch.nn.utils.clip_grad_norm_(model.parameters(), options.max_gradient_norm)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            step += 1
            if timed and step == 3 + options.time_steps:
                each = (time.perf_counter() - timed) / options.time_steps
                print(json.dumps({"task": name, "seconds_per_step": each, "steps": total}), flush=True)
                return None
        seconds += time.perf_counter() - started
        evaluations = {
            s: scores(task.metrics, targets, predict(model, tokenizer, encodings, is_score))
            for s, (encodings, targets) in sets.items()
        }
        epochs.append({"epoch": epoch + 1, "train_loss": total_loss / len(train), "evaluations": evaluations})
        print(json.dumps({"task": name, "seed": seed, **epochs[-1], "train_seconds": seconds}), flush=True)
    files = ["train.tsv", *task.sets.values()]
    return {
        "task": name,
        "seed": seed,
        "epochs": epochs,
        "evaluations": epochs[-1]["evaluations"],
        "train_seconds": seconds,
        "rows": {"train": len(train), **{s: len(targets) for s, (_, targets) in sets.items()}},
        "recipe": recipe(options),
        "threads": options.threads,
        "model": {"name": options.model.name, "sha256": sha256(options.model / "model.safetensors")},
        "sha256": {file: sha256(folder / file) for file in files},
        "versions": {
            "python": platform.python_version(),
            **{m.__name__: m.__version__ for m in (torch, transformers, tokenizers, sklearn, scipy)},
        },
    }


def rows(options, name):
    texts, _ = TASKS[name].read(options.data / TASKS[name].folder / "train.tsv")
    return len(texts[: options.max_train_samples])


def recipe(options):
    keys = ("batch_size", "learning_rate", "weight_decay", "warmup_ratio", "max_gradient_norm", "max_length", "epochs")
    return {key: getattr(options, key) for key in keys} | {"fresh_pooler": options.fresh == "pooler"}


def main():
    options = parser.parse_args()
    names = options.tasks.split(",")
    if unknown := [name for name in names if name not in TASKS]:
        parser.error(f"task is {unknown[0]!r}, accepted are {', '.join(TASKS)}")
    torch.set_num_threads(options.threads)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    tokenizer = transformers.AutoTokenizer.from_pretrained(options.model)
    done = []
    if options.out.exists():
        recorded = [json.loads(line) for line in options.out.read_text().splitlines()]
        done = [(r["task"], r["seed"], {"fresh_pooler": False} | r["recipe"], r["rows"]["train"]) for r in recorded]
    for seed in map(int, options.seeds.split(",")):
        for name in names:
            if (name, seed, recipe(options), rows(options, name)) in done:
                continue
            record = run(options, tokenizer, name, seed)
            if record is not None:
                with options.out.open("a") as file:
                    file.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
