#!/usr/bin/env python3
"""Reads and tokenizes the train.tsv of a QQP folder with Python's tokenizers; prints one JSON line.

The clock stops when the library has encoded all pairs; to take the ids out of its encodings would come on top.

usage: tokenize_qqp.py FOLDER TOKENIZER_JSON encode_batch|encode_batch_fast
"""

import json
import resource
import sys
import time

import tokenizers

folder, path, method = sys.argv[1:4]
tokenizer = tokenizers.Tokenizer.from_file(path)
tokenizer.enable_truncation(128, strategy="longest_first")
tokenizer.no_padding()

started, cpu_before = time.perf_counter(), time.process_time()
with open(f"{folder}/train.tsv", encoding="utf-8", newline="\n") as file:
    next(file)
    rows = [line.split("\t") for line in file]
pairs = [(row[3], row[4]) for row in rows]
read = time.perf_counter()
encodings = getattr(tokenizer, method)(pairs)
seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_before

print(
    json.dumps(
        {
            "rows": len(encodings),
            "tokens": sum(len(encoding) for encoding in encodings),
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "reading_seconds": read - started,
            "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    )
)
