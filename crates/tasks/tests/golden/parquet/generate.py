"""Makes Parquet files as the hub's `nyu-mll/glue` has them, the TSV files of the same rows, and files with one fault.

Run in an environment with pyarrow: python3 generate.py

  train.tsv, dev.tsv, test.tsv   GLUE's layout
  sst2/                          the same rows: train in row groups of 3, dev with nulls allowed, test with labels of -1
  encodings/                     the rows of dev, written in other ways
  faults/                        one file a fault

Every sentence is invented.
"""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent

TRAIN = [
    ("a patient , warm film about a clock that nobody winds", 1),
    (" two hours of fog and a very good hat ", 0),
    ("", 1),
    ('"brilliant" , says the poster , and the poster is alone', 0),
    ("café , naïve , 東京 — and still not one dull minute", 1),
    ("it 's loud\u3000", 0),
    ("the dog acts ; the others stand near the dog", 0),
    ("\x1ca small wonder\x1f", 1),
]
DEV = [
    ("neither funny nor brave", 0),
    ("i would watch the boat sink again , and again", 1),
    ("a quiet triumph of wallpaper over people", 0),
    ("the last scene earns every slow one before it", 1),
    ("well lit", 1),
]
TEST = [("an ending , at last", -1), ("rain , letters , rain , joy", -1)]

SCHEMA = pa.schema([
    pa.field("sentence", pa.string()),
    pa.field("label", pa.int64()),
    pa.field("idx", pa.int32()),
])


def table(rows, schema=SCHEMA):
    sentences, labels = zip(*rows)
    columns = {"sentence": sentences, "label": labels, "idx": range(len(rows))}
    return pa.table({name: list(columns[name]) for name in schema.names if name in columns}, schema=schema)


def write(name, table, **options):
    path = HERE / name
    path.parent.mkdir(exist_ok=True)
    pq.write_table(table, path, **{"compression": "snappy", **options})


def named(dev, names):
    """With the names of the classes, where Hugging Face's datasets writes them."""
    label = {"names": names, "_type": "ClassLabel"}
    features = {"sentence": {"dtype": "string", "_type": "Value"}, "label": label}
    return dev.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def main():
    for name, rows in (("train", TRAIN), ("dev", DEV)):
        text = "".join(f"{sentence}\t{label}\n" for sentence, label in rows)
        (HERE / f"{name}.tsv").write_bytes(("sentence\tlabel\n" + text).encode())
    text = "".join(f"{index}\t{sentence}\n" for index, (sentence, _) in enumerate(TEST))
    (HERE / "test.tsv").write_bytes(("index\tsentence\n" + text).encode())

    write("sst2/train-00000-of-00001.parquet", table(TRAIN), row_group_size=3)
    write("sst2/validation-00000-of-00001.parquet", table(DEV))
    write("sst2/test-00000-of-00001.parquet", table(TEST))

    required = pa.schema([field.with_nullable(False) for field in SCHEMA])
    write("encodings/required.parquet", table(DEV, required))
    write("encodings/uncompressed.parquet", table(DEV), compression="none")
    write("encodings/no_dictionary.parquet", table(DEV), use_dictionary=False)
    write("encodings/pages_v2.parquet", table(DEV), data_page_version="2.0", data_page_size=1, write_batch_size=1)
    write(
        "encodings/delta.parquet",
        table(DEV),
        use_dictionary=False,
        column_encoding={"sentence": "DELTA_BYTE_ARRAY", "label": "DELTA_BINARY_PACKED"},
    )
    write("encodings/other_order.parquet", table(DEV).select(["idx", "label", "sentence"]))

    dev = table(DEV)
    label = lambda values, kind: dev.set_column(1, "label", pa.array(values, kind))
    write("faults/no_sentence.parquet", dev.rename_columns(["text", "label", "idx"]))
    write("faults/text_label.parquet", label(["0", "1", "0", "1", "1"], pa.string()))
    write("faults/number_sentence.parquet", dev.set_column(0, "sentence", pa.array(range(5), pa.int64())))
    write("faults/label_2.parquet", label([0, 1, 0, 2, 1], pa.int64()))
    write("faults/label_minus_1.parquet", label([0, -1, 0, 1, 1], pa.int64()))
    write("faults/null_label.parquet", label([0, 1, None, 1, 1], pa.int64()))
    sentences = [sentence for sentence, _ in DEV]
    nulls = pa.array([None, *sentences[1:]], pa.string())
    write("faults/null_sentence.parquet", dev.set_column(0, "sentence", nulls))
    latin = pa.array([*(s.encode() for s in sentences[:4]), "café".encode("latin-1")], pa.binary())
    write("faults/latin_1.parquet", dev.set_column(0, "sentence", latin))
    lists = pa.array([[s] for s in sentences], pa.list_(pa.string()))
    write("faults/list_sentence.parquet", dev.set_column(0, "sentence", lists))
    write("faults/no_rows.parquet", dev.slice(0, 0))
    write("faults/zstd.parquet", dev, compression="zstd")

    write("encodings/named_classes.parquet", named(dev, ["negative", "positive"]))
    write("faults/other_classes.parquet", named(dev, ["unacceptable", "acceptable"]))

    (HERE / "versions.json").write_text(json.dumps({"pyarrow": pa.__version__}) + "\n")


main()
