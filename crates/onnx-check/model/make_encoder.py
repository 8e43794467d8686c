"""Writes encoder.onnx: a transformer encoder of one layer with a classifier, random weights.

    python make_encoder.py        (needs numpy and onnx; made with NumPy 2.4, onnx 1.23)
"""

import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

VOCABULARY, HIDDEN, INNER, CLASSES = 50, 16, 32, 2


class Graph:
    """Nodes and weights in the making."""

    def __init__(self):
        self.random = np.random.default_rng(5)
        self.nodes, self.weights = [], []

    def weight(self, name, *shape, mean=0.0, sd=0.2):
        return self.constant(name, self.random.normal(mean, sd, shape).astype(np.float32))

    def constant(self, name, value):
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def add(self, operator, *inputs, **attributes):
        output = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def linear(self, name, x, rows, columns):
        product = self.add("MatMul", x, self.weight(f"{name}.weight", rows, columns))
        return self.add("Add", product, self.weight(f"{name}.bias", columns))

    def norm(self, name, x):
        # Trained-looking, neither ones nor zeros.
        gamma = self.weight(f"{name}.gamma", HIDDEN, mean=1.0)
        beta = self.weight(f"{name}.beta", HIDDEN)
        return self.add("LayerNormalization", x, gamma, beta, axis=-1, epsilon=1e-12)


def main():
    g = Graph()
    x = g.add("Gather", g.weight("embedding", VOCABULARY, HIDDEN), "tokens", axis=0)
    query, key, value = (g.linear(name, x, HIDDEN, HIDDEN) for name in ("query", "key", "value"))
    scores = g.add("MatMul", query, g.add("Transpose", key, perm=[0, 2, 1]))
    scores = g.add("Div", scores, g.constant("root", np.array(HIDDEN**0.5, np.float32)))
    context = g.add("MatMul", g.add("Softmax", scores, axis=-1), value)
    x = g.norm("attention.norm", g.add("Add", x, g.linear("output", context, HIDDEN, HIDDEN)))
    inner = g.add("Gelu", g.linear("inner", x, HIDDEN, INNER))
    x = g.norm("norm", g.add("Add", x, g.linear("outer", inner, INNER, HIDDEN)))
    pooled = g.add("ReduceMean", x, g.constant("axis", np.array([1], np.int64)), keepdims=0)
    logits = g.linear("classifier", pooled, HIDDEN, CLASSES)
    g.nodes[-1].output[0] = "logits"
    assert logits == f"add_{len(g.nodes) - 1}"

    tokens = helper.make_tensor_value_info("tokens", TensorProto.INT64, ["batch", "length"])
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", CLASSES])
    graph = helper.make_graph(g.nodes, "encoder", [tokens], [output], g.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 10
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, pathlib.Path(__file__).with_name("encoder.onnx"))


if __name__ == "__main__":
    main()
