"""Writes golden.json: the metrics of scikit-learn and scipy on small, large and degenerate splits.

Run in an environment with scikit-learn and scipy: python3 generate.py

A value of null is one that scipy does not define (NaN), or that scikit-learn refuses.
"""

import json
import math
import warnings
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

HERE = Path(__file__).parent


def classes(name, predictions, targets):
    try:
        f1 = f1_score(targets, predictions, zero_division=0)
    except ValueError:  # more than two classes
        f1 = None
    return {
        "name": name,
        "predictions": [int(p) for p in predictions],
        "targets": [int(t) for t in targets],
        "expected": {
            "accuracy": accuracy_score(targets, predictions),
            "f1": f1,
            "f1_macro": f1_score(targets, predictions, average="macro", zero_division=0),
            "matthews_correlation": matthews_corrcoef(targets, predictions),
        },
    }


def scores(name, predictions, targets):
    # f32, as models put them out; exact in f64, in which scipy computes.
    predictions, targets = (np.asarray(v, np.float32).astype(np.float64) for v in (predictions, targets))
    defined = lambda value: None if math.isnan(value) else float(value)
    return {
        "name": name,
        # The shortest decimals that are read as the same f32.
        "predictions": [float(str(np.float32(p))) for p in predictions],
        "targets": [float(str(np.float32(t))) for t in targets],
        "expected": {
            "pearson": defined(pearsonr(predictions, targets).statistic),
            "spearmanr": defined(spearmanr(predictions, targets).statistic),
        },
    }


def main():
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(16)
    flip = lambda y, share, k: np.where(rng.random(len(y)) < share, rng.integers(0, k, len(y)), y)
    two, skewed, three, nine = (
        rng.integers(0, 2, 872),
        (rng.random(1043) < 0.9).astype(int),
        rng.integers(0, 3, 500),
        rng.integers(0, 9, 300),
    )
    label = np.round(rng.uniform(0, 5, 400) * 5) / 5  # many ties, as in STS-B
    golden = {
        "classes": [
            classes("good", flip(two, 0.2, 2), two),
            classes("chance", rng.integers(0, 2, 872), two),
            classes("inverted", 1 - two, two),
            classes("perfect", two, two),
            classes("skewed", flip(skewed, 0.3, 2), skewed),
            classes("only class 1 predicted", np.ones(872, int), two),
            classes("only class 0 predicted", np.zeros(872, int), two),
            classes("one class in the labels", flip(np.zeros(50, int), 0.5, 2), np.zeros(50, int)),
            classes("class 1 neither predicted nor a label", np.zeros(10, int), np.zeros(10, int)),
            classes("class 0 neither predicted nor a label", np.ones(10, int), np.ones(10, int)),
            classes("one example, right", [1], [1]),
            classes("one example, wrong", [1], [0]),
            classes("three classes", flip(three, 0.4, 3), three),
            classes("three classes, one predicted", np.full(500, 2), three),
            classes("nine classes", flip(nine, 0.4, 9), nine),
            classes("a class that is no label", [0, 2, 1, 2], [0, 1, 1, 0]),
        ],
        "scores": [
            scores("good", label + rng.normal(0, 0.8, 400), label),
            scores("ties on both sides", np.round(label + rng.normal(0, 1, 400)), np.round(label)),
            scores("unrelated", rng.normal(2.5, 1, 400), label),
            scores("inverted", 5 - label, label),
            scores("equal", label, label),
            scores("monotone but not linear", np.exp(label * 3), label),
            scores("outside the range of the labels", 100 * label - 250, label),
            scores("two examples", [1, 2], [0, 5]),
            scores("two examples, inverted", [2, 1], [0, 5]),
            scores("a small spread on a large mean", 1e4 + rng.integers(0, 3, 50) / 1024, rng.uniform(0, 5, 50)),
            scores("very small", rng.uniform(-1e-38, 1e-38, 50), rng.uniform(0, 5, 50)),
            scores("very large", rng.uniform(-3e38, 3e38, 50), rng.uniform(0, 5, 50)),
            scores("zeros of both signs", [0.0, -0.0, 1.0, -1.0, 0.0], [1, 2, 3, 0, 4]),
            scores("constant predictions", np.full(20, 2.5), rng.uniform(0, 5, 20)),
            scores("constant predictions that are no binary fraction", np.full(20, 0.1), rng.uniform(0, 5, 20)),
            scores("constant labels", rng.uniform(0, 5, 20), np.full(20, 3.0)),
        ],
    }
    versions = {"scikit-learn": sklearn.__version__, "scipy": scipy.__version__, "numpy": np.__version__}
    (HERE / "golden.json").write_text(json.dumps(golden) + "\n")
    (HERE / "versions.json").write_text(json.dumps(versions) + "\n")


main()
