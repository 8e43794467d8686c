"""Writes golden.json: what Python reads in GLUE's official files, with the columns of the hub's glue.py.

Run with Python's standard library: python3 generate.py FOLDER_OF_DATASETS

`contents` is the SHA-256 of all examples: the sentence or both, and the label, each followed by a line feed.
A class is its position in the hub's order; a score is the four bytes of its float32 in hexadecimal digits.
`labels` counts the classes, or the scores from 0 to 1, 1 to 2 and so on. No sentence gets into the golden file.
"""

import csv
import hashlib
import json
import struct
import sys
from collections import Counter
from pathlib import Path

# Folder, columns of the sentences, column of the label, classes as the files name them (None: scores).
TASKS = {
    "cola": ("CoLA", ["sentence"], "is_acceptable", ["0", "1"]),
    "sst2": ("SST-2", ["sentence"], "label", ["0", "1"]),
    "mrpc": ("MRPC", ["#1 String", "#2 String"], "Quality", ["0", "1"]),
    "stsb": ("STS-B", ["sentence1", "sentence2"], "score", None),
    "rte": ("RTE", ["sentence1", "sentence2"], "label", ["entailment", "not_entailment"]),
}
SPLITS = ["train", "dev", "test"]


def rows(path, fields):
    # utf-8-sig drops a byte-order mark; lines end at \n or \r\n alone.
    with open(path, encoding="utf-8-sig", newline="\n") as file:
        yield from csv.DictReader(file, fields, delimiter="\t", quoting=csv.QUOTE_NONE)


def describe(task, split, root):
    folder, sentences, label, classes = TASKS[task]
    headerless = task == "cola" and split != "test"
    fields = ["source", "is_acceptable", "mark", "sentence"] if headerless else None
    digest, labels, count = hashlib.sha256(), Counter(), 0
    for row in rows(root / folder / f"{split}.tsv", fields):
        count += 1
        values = [row[column].strip() for column in sentences]
        if split != "test":
            text = row[label]
            labels[classes.index(text) if classes else int(float(text))] += 1
            values.append(str(classes.index(text)) if classes else struct.pack(">f", float(text)).hex())
        digest.update("".join(f"{value}\n" for value in values).encode())
    distribution = [labels[at] for at in range(len(classes) if classes else 6)] if labels else None
    return {"task": task, "split": split, "count": count, "labels": distribution, "contents": digest.hexdigest()}


def main():
    root = Path(sys.argv[1])
    golden = [describe(task, split, root) for task in TASKS for split in SPLITS]
    here = Path(__file__).parent
    (here / "golden.json").write_text("[\n" + ",\n".join(json.dumps(file) for file in golden) + "\n]\n")


main()
