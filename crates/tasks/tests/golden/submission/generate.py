"""Writes golden.json: submissions of made-up predictions, their lines as run_glue.py writes them.

Run in an environment with numpy: python3 generate.py

run_glue.py writes f"{index}\\t{item:3.3f}\\n" for a score and f"{index}\\t{name}\\n" for a class, with the hub's
names of the classes; GLUE's server takes those of the TSV files.
"""

import hashlib
import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
BINARY, ENTAILMENT = ["0", "1"], ["entailment", "not_entailment"]
INFERENCE = ["entailment", "neutral", "contradiction"]

# Task, set, file, rows with header, names of the classes (None: scores).
FILES = [
    ("cola", "test", "CoLA.tsv", 1064, BINARY),
    ("sst2", "test", "SST-2.tsv", 1822, BINARY),
    ("mrpc", "test", "MRPC.tsv", 1726, BINARY),
    ("stsb", "test", "STS-B.tsv", 1380, None),
    ("qqp", "test", "QQP.tsv", 390966, BINARY),
    ("mnli", "test_matched", "MNLI-m.tsv", 9797, INFERENCE),
    ("mnli", "test_mismatched", "MNLI-mm.tsv", 9848, INFERENCE),
    ("mnli", "ax", "AX.tsv", 1105, INFERENCE),
    ("qnli", "test", "QNLI.tsv", 5464, ENTAILMENT),
    ("rte", "test", "RTE.tsv", 3001, ENTAILMENT),
    ("wnli", "test", "WNLI.tsv", 147, BINARY),
]
# Outside the range, halves of a thousandth (exact in binary), a negative zero, and what rounds to one.
SCORES = [5.2, -0.3, 0.0625, 0.1875, 2.0005, 4.9995, 0.0, -0.0, -0.0001, 3.8, 1e-7, 1234.5]


def text(names, count):
    lines = ["index\tprediction\n"]
    for index in range(count):
        if names is None:
            item = np.float32(SCORES[index % len(SCORES)])
            lines.append(f"{index}\t{item:3.3f}\n")
        else:
            # The test makes the same classes.
            lines.append(f"{index}\t{names[index * index % 7 % len(names)]}\n")
    return "".join(lines)


def main():
    golden = []
    for task, name, file, rows, names in FILES:
        whole = text(names, rows - 1)
        golden.append({
            "task": task,
            "set": name,
            "file": file,
            "rows_with_header": rows,
            "first": text(names, len(SCORES)),
            "sha256": hashlib.sha256(whole.encode()).hexdigest(),
        })
    files = ",\n".join(json.dumps(file) for file in golden)
    (HERE / "golden.json").write_text(f'{{"scores": {json.dumps(SCORES)}, "files": [\n{files}\n]}}\n')
    (HERE / "versions.json").write_text(json.dumps({"numpy": np.__version__}) + "\n")


main()
