#!/usr/bin/env python3
"""Writes golden.json: inputs, and what scipy and statsmodels make of them.

    python generate.py        # scipy 1.17, statsmodels 0.15, numpy 2.4

Most differences are multiples of 1/1024, so that sums and ties are exact in both languages.
"""

import json
import math
from itertools import product
from pathlib import Path

import numpy as np
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

rng = np.random.default_rng(20260729)


def draws(n, mean=0.004, sd=0.006):
    return np.round(rng.normal(mean, sd, n) * 1024) / 1024 + 0.0  # no negative zeros


def summary(values):
    return {
        "values": values.tolist(),
        "mean": np.mean(values),
        "sd": np.std(values, ddof=1),
        "median": np.median(values),
        "min": np.min(values),
        "max": np.max(values),
    }


def t_test(d):
    result = stats.ttest_rel(d, np.zeros_like(d))
    interval = result.confidence_interval(0.95)
    return {
        "differences": d.tolist(),
        "t": result.statistic,
        "p_value": result.pvalue,
        "ci95": [interval.low, interval.high],
    }


def beside(d, comparisons):
    """The interval that holds the mean at 95 % together with those of all other comparisons, by Bonferroni."""
    interval = stats.ttest_1samp(d, 0).confidence_interval(1 - 0.05 / comparisons)
    return {"differences": d.tolist(), "comparisons": comparisons, "interval": [interval.low, interval.high]}


def means(groups):
    """The 95 % interval of the mean of the groups' means: Welch's standard error, degrees of freedom by Satterthwaite."""
    share = 1 / len(groups)
    squares = np.array([np.var(g, ddof=1) / len(g) for g in groups]) * share**2
    freedom = squares.sum() ** 2 / (squares**2 / np.array([len(g) - 1 for g in groups])).sum()
    centre = share * sum(np.mean(g) for g in groups)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(squares.sum())
    if len(groups) == 2:
        a, b = groups
        welch = stats.ttest_ind(a, -b, equal_var=False).confidence_interval(0.95)
        assert np.allclose([welch.low / 2, welch.high / 2], [centre - half, centre + half], rtol=1e-12)
    return {"groups": [g.tolist() for g in groups], "interval": [centre - half, centre + half]}


def equivalence(d, margin):
    """Two one-sided tests: the larger p-value."""
    above = stats.ttest_1samp(d, -margin, alternative="greater").pvalue
    below = stats.ttest_1samp(d, margin, alternative="less").pvalue
    return {"differences": d.tolist(), "margin": margin, "p_value": max(above, below)}


def sd_interval(d, difference):
    """From scipy's chi-squared distribution, and the pairs that its ends need by statsmodels' power."""
    sd, freedom = np.std(d, ddof=1), len(d) - 1
    ends = [float(sd * np.sqrt(freedom / stats.chi2.ppf(share, freedom))) for share in (0.975, 0.025)]
    needed = [power(difference, end, 8)["pairs_needed"] for end in ends]
    return {"sd": sd, "count": len(d), "interval": ends, "difference": difference, "pairs_needed": needed}


def crossed(table):
    """The interval of the mean over rows and columns, from a two-way analysis of variance by explicit residuals."""
    seeds, sentences = table.shape
    mean = table.mean()
    rows = table.mean(axis=1, keepdims=True) - mean
    columns = table.mean(axis=0, keepdims=True) - mean
    rest = table - mean - rows - columns
    freedom = np.array([seeds - 1, sentences - 1, (seeds - 1) * (sentences - 1)])
    effects = [np.broadcast_to(x, table.shape) for x in (rows, columns, rest)]
    squares = np.array([(x**2).sum() for x in effects]) / freedom
    total = squares[0] + squares[1] - squares[2]
    if total >= squares[:2].max():
        df = total**2 / (squares**2 / freedom).sum()
    else:
        total, df = squares[:2].max(), freedom[squares[:2].argmax()]
    half = stats.t.ppf(0.975, df) * np.sqrt(total / table.size)
    return {"table": table.tolist(), "interval": [mean - half, mean + half]}


def answers(seeds, sentences, by_seed, by_sentence, noise):
    """What one arm gains over the other, as 1, 0 and -1: some seeds are better, and some sentences easier."""
    lean = rng.normal(0, by_seed, (seeds, 1)) + rng.normal(0, by_sentence, (1, sentences))
    return np.clip(np.round(lean + rng.normal(0, noise, (seeds, sentences))), -1, 1) + 0.0


def sign_flips(d):
    """scipy's exact test; above 20 pairs, where that takes hours, a count over all sums."""
    if len(d) <= 20:
        p = stats.permutation_test(
            (d,), np.mean, permutation_type="samples", vectorized=True, n_resamples=np.inf, batch=1 << 16
        ).pvalue
    else:
        sums = np.zeros(1)
        for x in d:
            sums = np.concatenate([sums + x, sums - x])
        p = np.mean(np.abs(sums) >= abs(d.sum()))
    return {"differences": d.tolist(), "p_value": p}


def holm(p):
    return {"p_values": list(p), "adjusted": multipletests(p, method="holm")[1].tolist()}


def mc_nemar(first, second):
    table = [[0, first], [second, 0]]
    corrected = mcnemar(table, exact=False, correction=True)
    return {
        "only_first": first,
        "only_second": second,
        "p_value": mcnemar(table, exact=True).pvalue,
        "chi_squared": corrected.statistic,
        "chi_squared_p_value": corrected.pvalue,
    }


def violation_ratio(a, b):
    """Both samples repeated to a common length: then quantiles are sorted positions."""
    common = math.lcm(len(a), len(b))
    a, b = (np.repeat(np.sort(x), common // len(x)) for x in (a, b))
    squares = (a - b) ** 2
    total = squares.sum()
    return 0.5 if total == 0 else squares[a < b].sum() / total


def stochastic_order(a, b):
    """The bootstrap's standard error from every pair of resamples."""
    observed = violation_ratio(a, b)
    ratios = np.array(
        [violation_ratio(np.array(x), np.array(y)) for x in product(a, repeat=len(a)) for y in product(b, repeat=len(b))]
    )
    return {
        "first": a.tolist(),
        "second": b.tolist(),
        "violation_ratio": observed,
        "standard_error": ratios.std(),
        "upper_bound": min(1.0, observed - ratios.std() * stats.norm.ppf(0.05)),
    }


def power(difference, sd, pairs):
    test = TTestPower()
    needed = 2
    while test.power(difference / sd, needed, 0.05) < 0.8:
        needed += 1
    return {
        "difference": difference,
        "sd": sd,
        "pairs": pairs,
        "power": float(test.power(difference / sd, pairs, 0.05)),
        "pairs_needed": needed,
    }


golden = {
    "made_with": {
        "scipy": scipy.__version__,
        "statsmodels": statsmodels.__version__,
        "numpy": np.__version__,
    },
    "summary": [summary(x) for x in (draws(2, 0.9), draws(5, 0.9), draws(8, 0.86), rng.normal(0.9, 0.01, 101))],
    "t_test": [t_test(x) for x in (draws(2), draws(5), draws(8, 0.0), draws(8, -0.02), draws(41), rng.normal(0, 1, 30))],
}

# Draws of cases that are gone: without them, those below would be others.
for d in (draws(5), draws(8), draws(20, 0.0), rng.exponential(1, 12)):
    rng.choice(d, (500, len(d)))
draws(5), draws(6, 0.0)

golden |= {
    "sign_flip": [
        sign_flips(d)
        for d in (draws(2), draws(5, 0.01), draws(8, 0.0), draws(12), draws(16, -0.004), draws(20, 0.004), draws(21, 0.002), draws(24, 0.004))
    ],
    "holm": [
        holm(p)
        for p in ([0.03], [0.01, 0.04, 0.03, 0.005], [0.5, 0.5, 0.5], [0.0, 1.0, 0.02, 0.02], rng.uniform(0, 0.1, 9).tolist())
    ],
    "mcnemar": [
        mc_nemar(first, second) for first, second in ((1, 0), (2, 9), (40, 25), (310, 402), (6000, 5800), (40000, 40300))
    ],
    "stochastic_order": [
        stochastic_order(a, b)
        for a, b in (
            (draws(4, 0.904, 0.01), draws(4, 0.9, 0.01)),
            (draws(4, 0.9, 0.01), draws(3, 0.9, 0.02)),
            (draws(3, 0.95, 0.002), draws(4, 0.9, 0.002)),
        )
    ],
    "power": [
        power(0.004, 0.0045, 5),
        power(0.002, 0.0045, 41),
        power(0.002, 0.01, 8),
        power(0.02, 0.004, 3),
        power(0.001, 0.02, 3000),
        power(0.01, 0.002, 2),
    ],
    "equivalence": [
        equivalence(d, margin)
        for d, margin in (
            (draws(6), 0.005),
            (draws(8, 0.0, 0.002), 0.002),
            (draws(8, -0.004, 0.002), 0.005),
            (np.array([1, 0, -2, 1, 3, -1, 0, 1]) / 872, 0.002),
            (np.array([1, 2, 0, -1, 1, 1]) / 300, 0.005),
        )
    ],
    "sd_interval": [
        sd_interval(d, difference)
        for d, difference in (
            (draws(2), 0.02),
            (draws(5), 0.004),
            (draws(8, 0.0, 0.003), 0.002),
            (np.array([1, 0, -2, 1, 3, -1, 0, 1]) / 872, 0.002),
            (draws(41), 0.004),
        )
    ],
    "crossed": [
        crossed(table)
        for table in (
            answers(2, 5, 0.3, 0.3, 0.6),
            answers(8, 40, 0.0, 0.0, 0.7),
            answers(8, 40, 0.2, 0.4, 0.6),
            answers(12, 100, 0.0, 0.5, 0.4),
            answers(6, 9, 0.6, 0.0, 0.5),
            rng.normal(0.1, 1, (3, 4)),
        )
    ],
    "beside": [beside(draws(n), comparisons) for n, comparisons in ((6, 1), (8, 2), (8, 14), (41, 3))],
    "means": [
        means(groups)
        for groups in (
            [draws(16), draws(8, 0.0)],
            [draws(16, 0.0, 0.02), draws(8, 0.001), draws(7, -0.002, 0.001)],
            [draws(8), np.full(6, 0.01)],
        )
    ],
}

path = Path(__file__).with_name("golden.json")
lines = []
for name, cases in golden.items():
    text = json.dumps(cases, default=float, allow_nan=False)
    lines.append(f'"{name}": ' + text.replace("}, {", "},\n {"))
path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
