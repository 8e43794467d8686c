"""Makes a BERT checkpoint with random weights and another checkpoint's tokenizer.

usage: python random_bert.py SNAPSHOT TARGET LAYERS HIDDEN HEADS
"""

import shutil
import sys

import torch
from transformers import BertConfig, BertModel

snapshot, target = sys.argv[1:3]
layers, hidden, heads = map(int, sys.argv[3:6])
torch.manual_seed(0)
config = BertConfig(
    num_hidden_layers=layers, hidden_size=hidden, num_attention_heads=heads, intermediate_size=4 * hidden
)
BertModel(config).save_pretrained(target)
for name in ["tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"]:
    shutil.copyfile(f"{snapshot}/{name}", f"{target}/{name}")
