#!/usr/bin/env python3
"""Recomputes every metric in the records of a study with scikit-learn and scipy, and compares it with the recorded one.

Predictions and labels come from the predictions files; records of version 1 hold their predictions, and their labels are
in the evaluation file. Where --data has that file (found by its SHA-256), labels in predictions files must be its labels.
Prints a line per difference, and how much was compared. Exit code 1 for any difference, or if nothing was compared.

usage: recompute.py [--data FOLDER]... STUDY...
"""

import argparse
import json
import math
import pathlib
import sys

import numpy

from glue_tasks import METRICS, TASKS, sha256

TOLERANCE = 1e-9  # Relative. Both sides compute in f64 from the same numbers, in another order.
SCORES = ("pearson", "spearmanr")

parser = argparse.ArgumentParser()
parser.add_argument("studies", nargs="+", type=pathlib.Path, metavar="STUDY", help="folder with runs.jsonl")
parser.add_argument("--data", action="append", default=[], type=pathlib.Path, help="folder to search for evaluation files")


class Files:
    """The TSV files of some folders by their hash."""

    def __init__(self, folders):
        self.by_hash = {sha256(path): path for folder in folders for path in sorted(folder.rglob("*.tsv"))}

    def labels(self, task, provenance):
        """The labels of the rows that were scored, as class numbers or scores; None if the file is not here."""
        path = self.by_hash.get(provenance["sha256"])
        if path is None or task not in TASKS:
            return None
        _, labels = TASKS[task].read(path)
        return labels[: provenance["used"]]


def predictions_file(path):
    """The columns `prediction` and `label`; no labels for a set without them."""
    lines = path.read_text(encoding="utf-8").splitlines()
    header, rows = lines[0].split("\t"), [line.split("\t") for line in lines[1:]]
    if header not in (["index", "prediction"], ["index", "prediction", "label"]):
        raise ValueError(f"{path}:1: header is {header}")
    for number, row in enumerate(rows):
        if len(row) != len(header) or row[0] != str(number):
            raise ValueError(f"{path}:{number + 2}: row is {row}")
    return [row[1] for row in rows], [row[2] for row in rows] if len(header) == 3 else None


def single(texts):
    """Scores were predicted in f32, and written with as few digits as tell them apart."""
    return [float(numpy.float32(text)) for text in texts]


def evaluations(folder, record, files):
    """(set, recorded metrics, targets, predictions, official targets or None) for each evaluation set of a record."""
    task = record["settings"]["task"]
    last = record["epochs"][-1]
    if "format" not in record:
        official = files.labels(task, record["settings"]["dev"])
        if official is None:
            raise ValueError("the evaluation file is in no folder of --data")
        yield "dev", {"accuracy": last["dev_accuracy"]}, official, record["dev_predictions"], None
        return
    for name, recorded in last["evaluations"].items():
        metrics = {metric: value for metric, value in recorded.items() if metric != "loss"}
        predicted, labels = predictions_file(folder / record["predictions"][name])
        if labels is None:
            raise ValueError(f"{name} has scores and no labels")
        # Rows that were held out of the training file are drawn from all over it, and the record does not say which.
        held_out = record["settings"].get("held_out") is not None
        official = None if held_out else files.labels(task, record["settings"]["evaluation"][name])
        if set(metrics) & set(SCORES):
            official = official and single(official)
            yield name, metrics, single(labels), single(predicted), official
        else:
            # Class 1 is the positive one; the classes of one's own sentences are sorted by name.
            names = TASKS[task].classes if task in TASKS else sorted({*labels, *predicted})
            yield name, metrics, [names.index(x) for x in labels], [names.index(x) for x in predicted], official


def main():
    options = parser.parse_args()
    files = Files(options.data)
    runs = failed = compared = differences = against_files = 0

    def differs(study, line, what):
        nonlocal differences
        differences += 1
        print(f"{study}/runs.jsonl:{line}: {what}")

    for study in options.studies:
        for line, text in enumerate((study / "runs.jsonl").read_text().splitlines(), 1):
            record = json.loads(text)
            if record["failed"] is not None:
                failed += 1
                continue
            runs += 1
            try:
                for name, metrics, targets, predictions, official in evaluations(study, record, files):
                    if len(targets) != len(predictions):
                        differs(study, line, f"{name} has {len(predictions)} predictions and {len(targets)} labels")
                        continue
                    if official is not None:
                        against_files += 1
                        if official != targets:
                            differs(study, line, f"the labels of {name} are not those of its file")
                    for metric, recorded in metrics.items():
                        recomputed = float(METRICS[metric](targets, predictions))
                        compared += 1
                        if not math.isclose(recorded, recomputed, rel_tol=TOLERANCE, abs_tol=1e-12):
                            differs(study, line, f"{name} {metric} is {recorded}, recomputed {recomputed}")
            except (OSError, ValueError, KeyError) as problem:
                differs(study, line, f"{type(problem).__name__}: {problem}")
    print(
        f"{compared} metrics of {runs} runs recomputed, {differences} differ; "
        f"labels compared with their file {against_files} times; {failed} failed runs left out"
    )
    return 1 if differences or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
