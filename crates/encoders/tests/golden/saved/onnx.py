"""Prints what ONNX Runtime makes of token ids with an exported model, one text at a time.

Run in an environment with onnxruntime: python3 onnx.py MODEL.onnx REQUEST.json

A request is a list of {"ids", "type_ids"}; the answer a list of logits.
"""

import json
import sys

# This file has the name of a package that onnxruntime may look for.
sys.path.pop(0)

import numpy
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
names = [value.name for value in session.get_inputs()]
answer = []
for encoding in json.load(open(sys.argv[2])):
    values = {
        "input_ids": encoding["ids"],
        "token_type_ids": encoding["type_ids"],
        "attention_mask": [1] * len(encoding["ids"]),
    }
    batch = {name: numpy.array([values[name]], dtype=numpy.int64) for name in names}
    answer.append(session.run(["logits"], batch)[0][0].tolist())
json.dump(answer, sys.stdout)
