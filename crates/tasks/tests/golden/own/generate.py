"""Makes nasty files of one's own, and what Python reads in them.

Run in an environment with pandas and pyarrow: python3 generate.py

  *.csv, *.tsv, *.jsonl, *.gz   the same rows, written by hand, by Python's csv and json modules, and by pandas
  parquet/                      one file for each type of the text and of the label
  faults/                       Parquet files whose label or text cannot be one
  golden.json                   per file: texts, labels and classes as Python's str, str.strip and sorted have them

CSV and TSV are read by Python's csv module, and pandas must agree with it.
Every sentence is invented.
"""

import csv
import datetime
import gzip
import io
import json
import sys
from pathlib import Path

import numpy
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent

ROWS = [
    ("a fine film , truly", "good"),
    ('she said "no" and left', "bad"),
    ('"quoted from end to end"', "good"),
    ("two\nlines", "bad"),
    ("two\r\nlines as Windows writes them", "bad"),
    ("a tab\tinside", "so, so"),
    ("  spaces around  ", "good"),
    ("\u3000café , naïve , 東京 — 🎬 — \u0065\u0301\u00a0", "good"),
    ('"', "bad"),
    ('""', "bad"),
    (",", "so, so"),
    ("back\\slash \\n \\\" stays", "good"),
    ("'single'", "bad"),
    ("# no comment", "good"),
    ("NA", "bad"),
    ("3.50", "good"),
    ("=1+1", "so, so"),
    ("\u2028 separators \x1c", "bad"),
    ("x" * 1100, "good"),
]


def written(rows, **options):
    out = io.StringIO()
    csv.writer(out, **options).writerows([("text", "id", "label")] + [(text, i, label) for i, (text, label) in enumerate(rows)])
    return out.getvalue()


def by_hand(rows, delimiter, end):
    """Quotes only where they must be, as spreadsheets do, and blank lines at the end."""
    def field(value):
        quoted = any(c in value for c in (delimiter, '"', "\n", "\r"))
        return '"' + value.replace('"', '""') + '"' if quoted else value
    lines = [("text", "id", "label")] + [(text, str(i), label) for i, (text, label) in enumerate(rows)]
    return end.join(delimiter.join(map(field, line)) for line in lines) + end + end


def read(data, name):
    if name.endswith(".gz"):
        data, name = gzip.decompress(data), name[:-3]
    text = data.decode("utf-8-sig")
    if name.endswith(".jsonl"):
        rows = (json.loads(line) for line in text.split("\n") if line.strip())
        return [(str(row["text"]), str(row["label"])) for row in rows]
    delimiter = "\t" if name.endswith(".tsv") else ","
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    header, rows = rows[0], rows[1:]
    frame = pd.read_csv(io.BytesIO(data), sep=delimiter, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    assert frame.values.tolist() == rows, name
    return [(row[header.index("text")], row[header.index("label")]) for row in rows]


def golden(rows):
    texts, labels = zip(*rows)
    labels = [label.strip() for label in labels]
    return {"texts": [text.strip() for text in texts], "labels": labels, "classes": sorted(set(labels))}


def texts():
    files = {
        "minimal.csv": written(ROWS),
        "all.csv": written(ROWS, quoting=csv.QUOTE_ALL),
        "line_feeds.csv": written(ROWS, lineterminator="\n"),
        "spreadsheet.csv": "\ufeff" + by_hand(ROWS, ",", "\r\n"),
        "minimal.tsv": written(ROWS, delimiter="\t"),
        "spreadsheet.tsv": "\ufeff" + by_hand(ROWS, "\t", "\r\n"),
        "ascii.jsonl": "".join(json.dumps({"text": text, "id": i, "label": label}) + "\n" for i, (text, label) in enumerate(ROWS)),
        "utf8.jsonl": "\ufeff" + "\r\n\r\n".join(json.dumps({"label": label, "more": [{"text": i}], "text": text}, ensure_ascii=False)
                                          for i, (text, label) in enumerate(ROWS)),
        "types.jsonl": "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in [
            (1, True), (-7, False), (0.1, True), (1e-5, False), (1e16, True), (123456789.125, False), (True, True),
            (18446744073709551615, False), (-9223372036854775808, True), (2.0, False), ("", True)]),
    }
    frame = pd.DataFrame({"text": [text for text, _ in ROWS], "label": [label for _, label in ROWS]})
    files["pandas.csv"] = frame.to_csv()
    files["pandas.tsv"] = frame.to_csv(sep="\t", index=False)
    files["pandas.jsonl"] = frame.to_json(orient="records", lines=True)
    result = {}
    for name, text in files.items():
        (HERE / name).write_bytes(text.encode())
        result[name] = golden(read(text.encode(), name))
    data = gzip.compress(files["minimal.csv"].encode(), mtime=0)
    (HERE / "minimal.csv.gz").write_bytes(data)
    result["minimal.csv.gz"] = golden(read(data, "minimal.csv.gz"))
    return result


def parquet():
    (HERE / "parquet").mkdir(exist_ok=True)
    (HERE / "faults").mkdir(exist_ok=True)
    texts = [text for text, _ in ROWS]
    words = [label for _, label in ROWS]
    text, word = pa.array(texts), pa.array(words)
    count = len(ROWS)
    files = {
        "string": (text, word),
        "large_string": (text.cast(pa.large_string()), word.cast(pa.large_string())),
        "dictionary": (text.dictionary_encode(), word.dictionary_encode()),
        "bool": (text, pa.array([i % 3 == 0 for i in range(count)])),
        "numbers": (pa.array([i * 0.1 for i in range(count)]), pa.array([i % 2 for i in range(count)])),
        "singles": (pa.array([i * 0.1 for i in range(count)], pa.float32()), pa.array([i % 2 for i in range(count)])),
        "float32": (text, pa.array([i * 0.25 - 1 for i in range(count)], pa.float32())),
        "float64": (text, pa.array([i * 0.25 - 1 for i in range(count)], pa.float64())),
    }
    for bits in (8, 16, 32, 64):
        files[f"int{bits}"] = (text, pa.array([i % 3 - 1 for i in range(count)], getattr(pa, f"int{bits}")()))
        files[f"uint{bits}"] = (text, pa.array([2 ** (bits - 1) + 10 * (i % 3) for i in range(count)], getattr(pa, f"uint{bits}")()))
    result = {}
    for name, (text_column, label) in files.items():
        table = pa.table({"idx": range(count), "text": text_column, "label": label})
        pq.write_table(table, HERE / "parquet" / f"{name}.parquet", compression="snappy", row_group_size=7)
        rows = table.to_pylist()
        result[f"parquet/{name}.parquet"] = golden([(shown(row["text"], text_column), shown(row["label"], label)) for row in rows])
        if pa.types.is_integer(label.type):
            classes = sorted({row["label"] for row in rows})
            result[f"parquet/{name}.parquet"]["classes"] = [str(value) for value in classes]
    date = pa.array([datetime.datetime(2026, 1, 1 + i) for i in range(count)])
    for name, text_column, label in [
        ("null_label", text, pa.array([None if i == 8 else i % 2 for i in range(count)])),
        ("null_text", pa.array([None if i == 8 else t for i, t in enumerate(texts)]), word),
        ("date_label", text, date),
        ("list_label", text, pa.array([[i] for i in range(count)])),
        ("struct_text", pa.array([{"text": t} for t in texts]), word),
        ("half_label", text, pa.array([float(i) for i in range(count)]).cast(pa.float16())),
        ("binary_text", pa.array([b"\xff" if i == 8 else b"a" for i in range(count)]), word),
    ]:
        pq.write_table(pa.table({"text": text_column, "label": label}), HERE / "faults" / f"{name}.parquet", compression="snappy", row_group_size=7)
    return result


def shown(value, column):
    """str, but of single precision for a column that has it."""
    if column.type == pa.float32():
        return str(numpy.float32(value))
    return str(value)


def main():
    result = {**texts(), **parquet()}
    (HERE / "golden.json").write_text(json.dumps(result, ensure_ascii=False) + "\n")
    versions = {"python": sys.version.split()[0], "pandas": pd.__version__, "pyarrow": pa.__version__}
    (HERE / "versions.json").write_text(json.dumps(versions) + "\n")


if __name__ == "__main__":
    main()
