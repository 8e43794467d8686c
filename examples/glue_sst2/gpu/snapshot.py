#!/usr/bin/env python3
"""A BERT with random weights, for its speed; nothing but the standard library.

  snapshot.py TOKENIZER LAYERS HIDDEN HEADS OUT     OUT/config.json, model.safetensors, and this tokenizer.json

The vocabulary is BERT's in size, whatever the tokenizer's: the time of a step depends on it.
"""
import array
import json
import os
import random
import shutil
import struct
import sys

VOCABULARY, POSITIONS = 30522, 512


def shapes(layers, hidden):
    """Every tensor of a BertModel, by name."""
    yield "embeddings.word_embeddings.weight", [VOCABULARY, hidden]
    yield "embeddings.position_embeddings.weight", [POSITIONS, hidden]
    yield "embeddings.token_type_embeddings.weight", [2, hidden]
    norms, linears = ["embeddings.LayerNorm"], {}
    for layer in range(layers):
        here = f"encoder.layer.{layer}"
        norms += [f"{here}.attention.output.LayerNorm", f"{here}.output.LayerNorm"]
        for name in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            linears[f"{here}.{name}"] = [hidden, hidden]
        linears[f"{here}.intermediate.dense"] = [4 * hidden, hidden]
        linears[f"{here}.output.dense"] = [hidden, 4 * hidden]
    linears["pooler.dense"] = [hidden, hidden]
    for name in norms:
        yield f"{name}.weight", [hidden]
        yield f"{name}.bias", [hidden]
    for name, shape in linears.items():
        yield f"{name}.weight", shape
        yield f"{name}.bias", shape[:1]


def values(name, count, noise):
    if name.endswith(".bias"):
        return array.array("f", bytes(4 * count))
    if name.endswith("LayerNorm.weight"):
        return array.array("f", [1.0]) * count
    return (noise * (count // len(noise) + 1))[:count]


def main(tokenizer, layers, hidden, heads, out):
    os.makedirs(out, exist_ok=True)
    config = {"model_type": "bert", "architectures": ["BertModel"], "hidden_act": "gelu", "num_hidden_layers": layers,
              "hidden_size": hidden, "num_attention_heads": heads, "intermediate_size": 4 * hidden,
              "vocab_size": VOCABULARY, "max_position_embeddings": POSITIONS, "type_vocab_size": 2,
              "layer_norm_eps": 1e-12, "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
              "initializer_range": 0.02, "pad_token_id": 0}
    with open(f"{out}/config.json", "w", encoding="utf-8") as file:
        json.dump(config, file, indent=2)
    shutil.copyfile(tokenizer, f"{out}/tokenizer.json")
    # A prime number of draws: rows of a matrix differ, and millions of draws would take a minute.
    draw = random.Random(0).gauss
    noise = array.array("f", (draw(0.0, 0.02) for _ in range(100003)))
    header, end = {}, 0
    tensors = [(name, shape, shape[0] * (shape[1] if len(shape) > 1 else 1)) for name, shape in shapes(layers, hidden)]
    for name, shape, count in tensors:
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + 4 * count]}
        end += 4 * count
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(f"{out}/model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, _, count in tensors:
            values(name, count, noise).tofile(file)


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5])
