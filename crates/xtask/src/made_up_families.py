"""Makes a checkpoint of each family with random weights and another checkpoint's tokenizer: 6 layers of 384, 12 heads.

usage: python made_up_families.py SNAPSHOT TARGET
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from transformers import (
    DebertaV2Config,
    DebertaV2Model,
    DistilBertConfig,
    DistilBertModel,
    ElectraConfig,
    ElectraModel,
    ModernBertConfig,
    ModernBertModel,
    RobertaConfig,
    RobertaModel,
    XLNetConfig,
    XLNetModel,
)

snapshot, target = map(Path, sys.argv[1:])
SIZE = dict(num_hidden_layers=6, hidden_size=384, num_attention_heads=12, intermediate_size=1536)
# Everything else as the family's configuration has it; of DeBERTa as microsoft/deberta-v3-base has it.
FAMILIES = {
    "roberta": (
        RobertaModel,
        RobertaConfig(**SIZE, vocab_size=30522, max_position_embeddings=514, type_vocab_size=1, pad_token_id=0),
    ),
    "electra": (ElectraModel, ElectraConfig(**SIZE, embedding_size=128)),
    "distilbert": (DistilBertModel, DistilBertConfig(n_layers=6, dim=384, n_heads=12, hidden_dim=1536)),
    "xlnet": (XLNetModel, XLNetConfig(vocab_size=30522, n_layer=6, d_model=384, n_head=12, d_inner=1536, pad_token_id=0)),
    "modernbert": (
        ModernBertModel,
        ModernBertConfig(
            **SIZE, vocab_size=30522, pad_token_id=0, bos_token_id=101, cls_token_id=101, eos_token_id=102, sep_token_id=102
        ),
    ),
    "deberta-v2": (
        DebertaV2Model,
        DebertaV2Config(
            **SIZE,
            vocab_size=30522,
            type_vocab_size=0,
            layer_norm_eps=1e-7,
            relative_attention=True,
            position_buckets=256,
            norm_rel_ebd="layer_norm",
            share_att_key=True,
            pos_att_type=["p2c", "c2p"],
            position_biased_input=False,
        ),
    ),
}

for name, (model, config) in FAMILIES.items():
    torch.manual_seed(0)
    folder = target / name
    model(config).save_pretrained(folder)
    shutil.copyfile(snapshot / "tokenizer.json", folder / "tokenizer.json")
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": "[PAD]",
        "padding_side": "left" if name == "xlnet" else "right",
        "model_input_names": ["input_ids", "attention_mask"],
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
