"""GLUE's tasks in its official TSV files, and their metrics by scikit-learn and scipy.

Written from GLUE's description and transformers' run_glue.py, independently of crates/tasks, whose peer it is.
"""

import hashlib
import pathlib

import scipy.stats
import sklearn.metrics

YES_NO = ["entailment", "not_entailment"]
NUMBERS = ["0", "1"]


class Task:
    """Where a task's sentences and labels are; labels are counted from the end where rows have extra columns.

    `least` is the number of columns below which a row is skipped, as some of QQP's are.
    """

    def __init__(self, folder, texts, label, classes, metrics, header=True, sets=None, least=0):
        self.folder, self.texts, self.label, self.classes = folder, texts, label, classes
        self.metrics, self.header, self.least = metrics, header, least
        self.sets = sets or {"dev": "dev.tsv"}

    def read(self, path):
        """The rows of a labelled file as (texts, labels); labels are class numbers, or scores."""
        text = path.read_bytes().decode("utf-8-sig")
        lines = text.split("\n")
        rows = [line.rstrip("\r").split("\t") for line in lines if line][1 if self.header else 0 :]
        rows = [row for row in rows if len(row) >= self.least]
        texts = [[row[column].strip() for column in self.texts] for row in rows]
        labels = [row[self.label] for row in rows]
        if self.classes is None:
            return texts, [float(label) for label in labels]
        return texts, [self.classes.index(label) for label in labels]


TASKS = {
    "cola": Task("CoLA", [3], 1, NUMBERS, ["matthews_correlation"], header=False),
    "sst2": Task("SST-2", [0], 1, NUMBERS, ["accuracy"]),
    "mrpc": Task("MRPC", [3, 4], 0, NUMBERS, ["accuracy", "f1"]),
    "stsb": Task("STS-B", [7, 8], -1, None, ["pearson", "spearmanr"]),
    "qqp": Task("QQP", [3, 4], 5, NUMBERS, ["accuracy", "f1"], least=6),
    "mnli": Task(
        "MNLI",
        [8, 9],
        -1,
        ["entailment", "neutral", "contradiction"],
        ["accuracy"],
        sets={"dev_matched": "dev_matched.tsv", "dev_mismatched": "dev_mismatched.tsv"},
    ),
    "qnli": Task("QNLI", [1, 2], -1, YES_NO, ["accuracy"]),
    "rte": Task("RTE", [1, 2], -1, YES_NO, ["accuracy"]),
    "wnli": Task("WNLI", [1, 2], -1, NUMBERS, ["accuracy"]),
}

METRICS = {
    "accuracy": lambda targets, predictions: sklearn.metrics.accuracy_score(targets, predictions),
    "f1": lambda targets, predictions: sklearn.metrics.f1_score(targets, predictions, zero_division=0),
    "matthews_correlation": lambda targets, predictions: sklearn.metrics.matthews_corrcoef(targets, predictions),
    "f1_macro": lambda targets, predictions: sklearn.metrics.f1_score(
        targets, predictions, average="macro", zero_division=0
    ),
    "pearson": lambda targets, predictions: scipy.stats.pearsonr(targets, predictions).statistic,
    "spearmanr": lambda targets, predictions: scipy.stats.spearmanr(targets, predictions).statistic,
}


def scores(metrics, targets, predictions):
    """Every metric over a whole set."""
    return {name: float(METRICS[name](targets, predictions)) for name in metrics}


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
