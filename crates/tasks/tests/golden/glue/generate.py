"""Makes small files of all GLUE tasks and AX, as the official archives and the hub's `nyu-mll/glue` lay them out.

Run in an environment with pyarrow: python3 generate.py

  tsv/           a folder for each task, as in the archives
  hub/           the same rows as the hub's Parquet files
  expected.json  the rows: both sentences (the second is null where there is none) and the label, a position
                 of the hub's order or a score; null where labels are hidden

Columns are those of the hub's former loading script, glue.py. Every sentence is invented.
"""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent

SUBJECTS = ["the ferry", "a clerk with two hats", 'one "retired" juggler', "café Zürich", "our neighbour 's goose"]
VERBS = ["repairs", "paints", "forgets", "counts"]
OBJECTS = ["the long pier .", "seven clocks", "every lamp , twice", "no map at all !", "東京 by night", "a $ 3.50 kite"]
# White space around a sentence is not part of it.
AROUND = ["", " ", "\u3000", "\x1c"]


def sentence(seed, which):
    # Numbers make every sentence of every file different.
    subject, verb, thing = (words[(seed * k + which) % len(words)] for k, words in ((1, SUBJECTS), (3, VERBS), (5, OBJECTS)))
    return f"{subject} {verb} {thing} {seed}{'ab'[which]}"


BINARY, ENTAILMENT = ["0", "1"], ["entailment", "not_entailment"]
INFERENCE = ["entailment", "neutral", "contradiction"]
SCORES = ["5.000", "0.000", "3.8", "2.750", "0.333", "4"]

PAIR = ["index", "sentence1", "sentence2"]
STS = ["index", "genre", "filename", "year", "old_index", "source1", "source2", "sentence1", "sentence2"]
NLI = [
    "index", "promptID", "pairID", "genre", "sentence1_binary_parse", "sentence2_binary_parse", "sentence1_parse",
    "sentence2_parse", "sentence1", "sentence2",
]
MSR = ["#1 ID", "#2 ID", "#1 String", "#2 String"]

# Task, folder, columns of the sentences in TSV and in the hub's files, classes (None: scores), column of the label,
# and the columns of train, dev and test (None: no header).
TASKS = [
    ("cola", "CoLA", ["sentence"], ["sentence"], BINARY, "label", None, None, ["index", "sentence"]),
    ("sst2", "SST-2", ["sentence"], ["sentence"], BINARY, "label", ["sentence", "label"], ["sentence", "label"], ["index", "sentence"]),
    ("mrpc", "MRPC", ["#1 String", "#2 String"], ["sentence1", "sentence2"], BINARY, "Quality", ["Quality", *MSR], ["Quality", *MSR], ["index", *MSR]),
    ("stsb", "STS-B", ["sentence1", "sentence2"], ["sentence1", "sentence2"], None, "score", [*STS, "score"], [*STS, "score"], STS),
    ("qqp", "QQP", ["question1", "question2"], ["question1", "question2"], BINARY, "is_duplicate",
     ["id", "qid1", "qid2", "question1", "question2", "is_duplicate"],
     ["id", "qid1", "qid2", "question1", "question2", "is_duplicate"], ["id", "question1", "question2"]),
    ("mnli", "MNLI", ["sentence1", "sentence2"], ["premise", "hypothesis"], INFERENCE, "gold_label",
     [*NLI, "label1", "gold_label"], [*NLI, "label1", "label2", "label3", "label4", "label5", "gold_label"], NLI),
    ("qnli", "QNLI", ["question", "sentence"], ["question", "sentence"], ENTAILMENT, "label",
     ["index", "question", "sentence", "label"], ["index", "question", "sentence", "label"], ["index", "question", "sentence"]),
    ("rte", "RTE", ["sentence1", "sentence2"], ["sentence1", "sentence2"], ENTAILMENT, "label", [*PAIR, "label"], [*PAIR, "label"], PAIR),
    ("wnli", "WNLI", ["sentence1", "sentence2"], ["sentence1", "sentence2"], BINARY, "label", [*PAIR, "label"], [*PAIR, "label"], PAIR),
]
# Set, TSV file, hub split, rows.
USUAL = [("train", "train", "train", 7), ("dev", "dev", "validation", 5), ("test", "test", "test", 4)]
MNLI = [
    ("train", "train", "train", 8),
    ("dev_matched", "dev_matched", "validation_matched", 5),
    ("dev_mismatched", "dev_mismatched", "validation_mismatched", 6),
    ("test_matched", "test_matched", "test_matched", 4),
    ("test_mismatched", "test_mismatched", "test_mismatched", 3),
]


def rows_of(seed, count, pairs, classes, labelled):
    rows = []
    for at in range(count):
        number = seed * 100 + at
        label = None
        if labelled:
            label = SCORES[at % len(SCORES)] if classes is None else classes[(at * at + seed) % len(classes)]
        rows.append((sentence(number, 0), sentence(number, 1) if pairs else None, label))
    return rows


def cell(column, at, row, sentences, label, spread):
    if column in sentences:
        around = AROUND[(at + spread) % len(AROUND)]
        return around + row[sentences.index(column)] + around
    if column == label:
        return row[2]
    if column in ("index", "id"):
        return str(at)
    # Columns that nothing reads: labels of single annotators, identifiers, and parses with the sentence in them.
    return f"({column} {row[0]} )" if "parse" in column else f"{column}-{at}"


def tsv_lines(header, rows, sentences, label):
    lines = ["\t".join(header)] if header else []
    for at, row in enumerate(rows):
        if header:
            columns = [cell(column, at, row, sentences, label, len(rows)) for column in header]
        else:
            columns = [f"src{at}", row[2], "*" if row[2] == "0" else "", row[0]]
        lines.append("\t".join(columns))
    return lines


def save(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def write_parquet(path, rows, names, classes):
    columns = {name: [row[at] for row in rows] for at, name in enumerate(names)}
    if classes is None:
        columns["label"] = pa.array([-1.0 if row[2] is None else float(row[2]) for row in rows], pa.float32())
    else:
        columns["label"] = pa.array([-1 if row[2] is None else classes.index(row[2]) for row in rows], pa.int64())
    columns["idx"] = pa.array(range(len(rows)), pa.int32())
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, compression="snappy")


def expected(rows, classes):
    value = lambda label: None if label is None else float(label) if classes is None else classes.index(label)
    return [[first, second, value(label)] for first, second, label in rows]


def main():
    golden, seed = {}, 0
    for task, folder, sentences, hub, classes, label, train, dev, test in TASKS:
        golden[task] = {}
        for name, tsv, split, count in MNLI if task == "mnli" else USUAL:
            seed += 1
            header = train if name == "train" else dev if name.startswith("dev") else test
            rows = rows_of(seed, count, len(sentences) == 2, classes, not name.startswith("test"))
            lines = tsv_lines(header, rows, sentences, label)
            text = "\n".join(lines) + "\n"
            if task == "cola" and name == "dev":
                text = text[:-1]  # the official file ends so
            if task == "mrpc" and name != "test":
                text = "\ufeff" + text
            if task == "qqp" and name != "test":
                # Two rows that break off, in the second question and before the label.
                lines[3:3] = ["9\t8\t7\tis this a question ?", "9\t8\t7\tis this ?\tor this"]
                text = "\n".join(lines) + "\n"
            save(HERE / "tsv" / folder / f"{tsv}.tsv", text)
            write_parquet(HERE / "hub" / task / f"{split}-00000-of-00001.parquet", rows, hub, classes)
            golden[task][name] = expected(rows, classes)
    rows = rows_of(seed + 1, 6, True, INFERENCE, False)
    lines = tsv_lines(PAIR, rows, ["sentence1", "sentence2"], None)
    save(HERE / "tsv" / "AX" / "AX.tsv", "\n".join(lines) + "\n")
    write_parquet(HERE / "hub" / "ax" / "test-00000-of-00001.parquet", rows, ["premise", "hypothesis"], INFERENCE)
    golden["mnli"]["ax"] = expected(rows, INFERENCE)

    (HERE / "expected.json").write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n")
    (HERE / "versions.json").write_text(json.dumps({"pyarrow": pa.__version__}) + "\n")


main()
