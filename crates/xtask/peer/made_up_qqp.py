#!/usr/bin/env python3
"""Makes up a folder with QQP's official layout: as many pairs as its train.tsv, and about as long.

The words are those of a vocabulary, the frequent ones more often, some glued together so that they come apart into
pieces. Lengths are log-normal, with QQP's mean of 11 words. The same on every call.

usage: made_up_qqp.py VOCAB_TXT FOLDER
"""

import pathlib
import random
import sys

PAIRS = 363_846
HEADER = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate"


def main():
    vocabulary, folder = map(pathlib.Path, sys.argv[1:3])
    tokens = vocabulary.read_text(encoding="utf-8").splitlines()
    words = [token for token in tokens if token.isascii() and token.isalpha()]
    draws = random.Random(0)
    # Zipf's law.
    weights = [1 / (rank + 3) for rank in range(len(words))]

    def pool():
        while True:
            yield from draws.choices(words, weights, k=65536)

    word = pool()

    def question():
        count = max(1, min(230, round(draws.lognormvariate(2.27, 0.5))))
        drawn = [next(word) + (next(word) if draws.random() < 0.06 else "") for _ in range(count)]
        if draws.random() < 0.2:
            drawn[draws.randrange(count)] += ","
        return " ".join(drawn).capitalize() + "?"

    def row(number):
        return f"{number}\t{2 * number}\t{2 * number + 1}\t{question()}\t{question()}\t{draws.randrange(2)}"

    folder.mkdir(parents=True, exist_ok=True)
    for name, count in (("train.tsv", PAIRS), ("dev.tsv", 1)):
        lines = [HEADER, *(row(number) for number in range(count))]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
