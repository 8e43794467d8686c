#!/usr/bin/env python3
"""Predicts the first lines of a file with PyTorch or ONNX Runtime; prints one JSON line.

usage: predict.py make SOURCE FOLDER            a classifier with a fixed head, and FOLDER/model.onnx
       predict.py torch|onnx FOLDER FILE COUNT

The clock runs from the texts to the logits: tokenizing by the fast tokenizer, all texts at once, batches of 64 sorted by
length and padded to the longest, two threads.
"""

import json
import os
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "true"

import torch  # noqa: E402
from transformers import AutoModelForSequenceClassification, AutoTokenizer  # noqa: E402

THREADS = 2
BATCH = 64
NAMES = ["input_ids", "attention_mask", "token_type_ids"]


def make(source, folder):
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(source, num_labels=2)
    torch.nn.init.normal_(model.classifier.weight)
    model.save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(source)
    tokenizer.save_pretrained(folder)

    class Logits(torch.nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, input_ids, attention_mask, token_type_ids):
            return self.model(
                input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
            ).logits

    example = tokenizer(["two sentences", "of different lengths"], padding=True, return_tensors="pt")
    sizes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length")}
    torch.onnx.export(
        Logits(model.eval()),
        tuple(example[name] for name in NAMES),
        f"{folder}/model.onnx",
        input_names=NAMES,
        output_names=["logits"],
        dynamic_shapes=(sizes, sizes, sizes),
        dynamo=True,
        external_data=False,
    )


def forward_torch(folder):
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()

    def forward(batch):
        with torch.inference_mode():
            return model(**batch.convert_to_tensors("pt")).logits.numpy()

    return forward


def forward_onnx(folder):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(
        f"{folder}/model.onnx", options, providers=["CPUExecutionProvider"]
    )

    def forward(batch):
        batch = batch.convert_to_tensors("np")
        return session.run(["logits"], {name: batch[name] for name in NAMES})[0]

    return forward


def measure(runtime, folder, file, count):
    torch.set_num_threads(THREADS)
    with open(file, encoding="utf-8", newline="\n") as lines:
        texts = [line.removesuffix("\n") for line, _ in zip(lines, range(count))]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    forward = {"torch": forward_torch, "onnx": forward_onnx}[runtime](folder)
    forward(tokenizer.pad(tokenizer(texts[:BATCH], truncation=True)))

    started, cpu_before = time.perf_counter(), time.process_time()
    encoded = tokenizer(texts, truncation=True)
    tokenized = time.perf_counter()
    lengths = [len(ids) for ids in encoded["input_ids"]]
    order = sorted(range(len(texts)), key=lengths.__getitem__, reverse=True)
    logits = [None] * len(texts)
    for start in range(0, len(order), BATCH):
        positions = order[start : start + BATCH]
        batch = {name: [encoded[name][i] for i in positions] for name in NAMES}
        for position, row in zip(positions, forward(tokenizer.pad(batch))):
            logits[position] = row
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_before
    print(
        json.dumps(
            {
                "texts": len(texts),
                "tokens": sum(lengths),
                "seconds": seconds,
                "cpu_seconds": cpu_seconds,
                "tokenize_seconds": tokenized - started,
                "absolute_logits": sum(float(abs(row.astype("float64")).sum()) for row in logits),
            }
        )
    )


if sys.argv[1] == "make":
    make(*sys.argv[2:4])
else:
    measure(*sys.argv[1:4], int(sys.argv[4]))
