"""Scores film notes by single words with scikit-learn, and compares a model's labels with theirs.

    python check.py                            # needs scikit-learn
    python check.py --agreement labels.json    # needs nothing

With NOISYTUNE_ASSETS set, the first also scores across to SST-2. Everything else that README.md
promises is checked by crates/tasks/tests/film_notes.rs, which repeats the first score as well.
"""

import argparse
import json
import os
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
ACCURACY = (0.62, 0.85)  # of single words on dev
AGREEMENT = 0.88  # at least, with a model finetuned on SST-2


def read(path):
    """Sentences and labels of a file in SST-2's layout, its "it 's" and "do n't" joined as here."""
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    assert header == "sentence\tlabel", f"{path}:1: {header!r}"
    sentences, labels = zip(*(row.split("\t") for row in rows))
    joined = [s.strip().replace(" n't", "n't").replace(" '", "'") for s in sentences]
    return joined, [int(label) for label in labels]


def single_words():
    """Unigram counts into L2-regularised logistic regression, C = 1."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline

    def model():
        return make_pipeline(
            CountVectorizer(token_pattern=r"[a-z0-9']+"),
            LogisticRegression(C=1, max_iter=1000),
        )

    train, dev = read(FOLDER / "train.tsv"), read(FOLDER / "dev.tsv")
    notes = model().fit(*train)
    score = notes.score(*dev)
    both = [a + b for a, b in zip(train, dev)]
    folds = cross_val_score(model(), *both, cv=6)
    print(f"train -> dev: {score:.4f}")
    print(f"six folds of both: mean {folds.mean():.4f}, {folds.min():.4f} to {folds.max():.4f}")

    if assets := os.environ.get("NOISYTUNE_ASSETS"):
        sst2 = Path(assets) / "datasets" / "SST-2"
        sst2_dev = read(sst2 / "dev.tsv")
        print(f"train -> SST-2 dev: {notes.score(*sst2_dev):.4f}")
        official = model().fit(*read(sst2 / "train.tsv"))
        print(f"SST-2 train -> train and dev: {official.score(*both):.4f}")
        print(f"SST-2 train -> SST-2 dev: {official.score(*sst2_dev):.4f}")

    if not ACCURACY[0] <= score <= ACCURACY[1]:
        sys.exit(f"train -> dev: {score:.4f}; expected {ACCURACY[0]} to {ACCURACY[1]}")


def agreement(path):
    """Compares a JSON list of 0 and 1, one for each row of train.tsv and then of dev.tsv."""
    theirs = json.loads(path.read_text())
    ours = [
        (f"{file}:{line}", sentence, label)
        for file in ("train.tsv", "dev.tsv")
        for line, (sentence, label) in enumerate(zip(*read(FOLDER / file)), start=2)
    ]
    if len(theirs) != len(ours):
        sys.exit(f"{path}: {len(theirs)} labels; expected {len(ours)}")
    differ = [note for note, label in zip(ours, theirs) if note[2] != label]
    for place, sentence, label in differ:
        print(f"{place}: {label} here: {sentence}")
    share = 1 - len(differ) / len(ours)
    print(f"agreement: {share:.4f}")
    if share < AGREEMENT:
        sys.exit(f"agreement: {share:.4f}; expected at least {AGREEMENT}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agreement", type=Path, metavar="LABELS.json")
    arguments = parser.parse_args()
    if arguments.agreement:
        agreement(arguments.agreement)
    else:
        single_words()
