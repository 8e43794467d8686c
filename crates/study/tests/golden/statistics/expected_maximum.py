#!/usr/bin/env python3
"""Writes expected_maximum.json: the expected highest of n scores drawn with replacement.

    python expected_maximum.py        # numpy 2.4

Up to 6 scores, from all tuples of n scores; above, by the closed form of Dodge et al. (2019), "Show Your Work", with numpy's
empirical distribution function.
"""

import json
from itertools import product
from pathlib import Path

import numpy as np

rng = np.random.default_rng(20261129)


def of_tuples(scores):
    return [float(np.mean([max(draws) for draws in product(scores, repeat=n)])) for n in range(1, len(scores) + 1)]


def closed_form(scores):
    ordered = np.sort(scores)
    count = len(ordered)
    expected = []
    for n in range(1, count + 1):
        at_most = (np.arange(1, count + 1) / count) ** n
        expected.append(float(ordered @ np.diff(at_most, prepend=0.0)))
    return expected


def case(scores):
    return {"scores": [float(x) for x in scores], "expected": (of_tuples if len(scores) <= 6 else closed_form)(scores)}


cases = [
    case(x)
    for x in (
        [0.8],
        [0.81, 0.5],
        np.array([300, 310, 310, 311, 280]) / 400,
        rng.normal(0.9, 0.01, 6),
        [-0.1, 0.0, 0.0, 0.4, 0.55],
        rng.normal(0.8, 0.05, 36),
        np.round(rng.normal(0.85, 0.02, 120) * 872) / 872,
    )
]
path = Path(__file__).with_name("expected_maximum.json")
path.write_text("[" + ",\n ".join(json.dumps(case) for case in cases) + "]\n")
