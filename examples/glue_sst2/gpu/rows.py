#!/usr/bin/env python3
"""Rows of bench.sh; nothing but the standard library.

  rows.py same REFERENCE OTHER     compare two runs.jsonl; exit code 1 if they differ by more than rounding
  rows.py add FILE KEY=VALUE...    add the JSON line on standard input to FILE, with these fields
  rows.py table FOLDER             steps.jsonl and noise.jsonl as Markdown
"""
import json
import os
import sys

# Tolerance for an epoch's mean loss on another device: rounding differs in every step, and AdamW amplifies it.
LOSS = 1e-2


def read(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def predictions(records, run):
    """What the run predicted for each sentence of dev, from the file that its record names."""
    path = os.path.join(os.path.dirname(records), run["predictions"]["dev"])
    with open(path, encoding="utf-8") as file:
        return [line.split("\t")[1] for line in file][1:]


def same(reference, other):
    runs = {(run["arm"], run["seed"]): run for run in read(reference)}
    others = read(other)
    assert len(runs) == len(others), f"{reference} has {len(runs)} runs, {other} {len(others)}"
    right = True
    for run in others:
        expected = runs[run["arm"], run["seed"]]
        predicted = predictions(other, run)
        agree = sum(a == b for a, b in zip(predicted, predictions(reference, expected), strict=True))
        for ours, theirs in zip(run["epochs"], expected["epochs"], strict=True):
            apart = abs(ours["train_loss"] / theirs["train_loss"] - 1)
            right &= apart <= LOSS
            print(f"{run['settings']['device']:<8} {run['arm']:<10} train loss {ours['train_loss']:.6f}, on flex "
                  f"{theirs['train_loss']:.6f} (relative {apart:.1e}, accepted {LOSS:.0e}); "
                  f"{agree} of {len(predicted)} predictions agree")
    sys.exit(0 if right else 1)


def add(path, fields):
    row = dict(field.split("=", 1) for field in fields) | json.loads(sys.stdin.read().splitlines()[-1])
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    print(json.dumps(row))


def table(folder):
    steps = read(f"{folder}/steps.jsonl")
    print("| model | batch | length | precision | by | examples/s | of PyTorch eager |")
    print("|---|---|---|---|---|---|---|")
    place = lambda row: tuple(row[key] for key in ("model", "batch", "length", "precision"))
    eager = {place(row): row["examples_per_s"] for row in steps if row["by"] == "PyTorch eager"}
    for row in steps:
        peer = eager.get(place(row))
        share = f"{row['examples_per_s'] / peer:.2f}" if peer else "-"
        print("| " + " | ".join([*place(row), row["by"], f"{row['examples_per_s']:.1f}", share]) + " |")
    print("\n| noise over | by | median ms |\n|---|---|---|")
    for row in read(f"{folder}/noise.jsonl"):
        print(f"| {row['params']:,} parameters | {row['by']} | {1000 * row['median_s']:.1f} |")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["same", reference, other]:
            same(reference, other)
        case ["add", path, *fields]:
            add(path, fields)
        case ["table", folder]:
            table(folder)
        case _:
            sys.exit(__doc__)
