"""How far a bag of words gets: the yardstick that a report puts beside a study on the same data.

    python bag_of_words.py SST-2=FOLDER:8192 SST-2=FOLDER CoLA=FOLDER ... > ../../report/src/yardsticks.json

A folder has train.tsv and dev.tsv in GLUE's official format; a number takes the first so many training rows. The model is a
logistic regression with C = 1, or a ridge regression for scores, over tf-idf of words and pairs of words of each text, and of
the words that both texts of a pair have: scikit-learn's defaults but for the pairs and the words of one letter. Nothing is
tuned, so dev is seen once.
"""

import json
import pathlib
import sys

import scipy.sparse
import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge

from glue_tasks import TASKS, scores, sha256

WORD = r"(?u)\b\w+\b"


def shared(row):
    first, second = (set(text.lower().split()) for text in row)
    return " ".join(sorted(first & second))


def features(train, dev):
    """One matrix each, with a block of columns for each text and, for pairs, one for what they share."""
    columns = len(train[0])
    views = [lambda row, at=at: row[at] for at in range(columns)]
    if columns == 2:
        views.append(shared)
    blocks = []
    for view in views:
        vectorizer = TfidfVectorizer(token_pattern=WORD, ngram_range=(1, 2))
        first = vectorizer.fit_transform([view(row) for row in train])
        blocks.append((first, vectorizer.transform([view(row) for row in dev])))
    return [scipy.sparse.hstack(block).tocsr() for block in zip(*blocks)]


def scored(argument):
    name, _, source = argument.partition("=")
    folder, _, rows = source.partition(":")
    name, task = next((name_, task) for name_, task in TASKS.items() if name in (name_, task.folder))
    train, dev = (pathlib.Path(folder) / file for file in ("train.tsv", "dev.tsv"))
    (texts, labels), (dev_texts, dev_labels) = task.read(train), task.read(dev)
    rows = int(rows or len(texts))
    ours, theirs = features(texts[:rows], dev_texts)
    model = Ridge() if task.classes is None else LogisticRegression(max_iter=10_000)
    predictions = model.fit(ours, labels[:rows]).predict(theirs)
    return {
        "task": name,
        "train_sha256": sha256(train),
        "train_rows": rows,
        "set_sha256": sha256(dev),
        "name": "bag of words",
        "scores": scores(task.metrics, dev_labels, predictions),
        "made_with": f"bag_of_words.py, scikit-learn {sklearn.__version__}",
    }


if __name__ == "__main__":
    print(json.dumps([scored(argument) for argument in sys.argv[1:]], indent=2))
