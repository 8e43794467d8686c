"""Lists what checkpoints of pretraining hold beside the encoder: the tensors, with their shapes, that transformers saves
for each kind of model, by the folder of the family's golden.

Run in an environment with torch and transformers: python3 pretraining_heads.py
"""

import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE))
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import tiny_bert
import transformers

MODELS = {
    "bert": ["BertForMaskedLM", "BertForPreTraining"],
    "roberta": ["RobertaForMaskedLM"],
    "xlm_roberta": ["XLMRobertaForMaskedLM"],
    "electra": ["ElectraForPreTraining", "ElectraForMaskedLM"],
    "distilbert": ["DistilBertForMaskedLM"],
    "xlnet": ["XLNetLMHeadModel"],
    "modernbert": ["ModernBertForMaskedLM"],
    "deberta": ["DebertaV2ForMaskedLM"],
}
# What a classifier takes from such a checkpoint besides the encoder.
TAKEN = {"modernbert": "head."}

heads = {}
for family, kinds in MODELS.items():
    heads[family] = {}
    for kind in kinds:
        config = transformers.AutoConfig.from_pretrained(HERE / family / "snapshot")
        model = getattr(transformers, kind)._from_config(config)
        prefix = model.base_model_prefix + "."
        own = TAKEN.get(family, prefix)
        # With the names of tied weights, which some files hold twice.
        tensors = model.state_dict().items()
        heads[family][kind] = {
            name: list(tensor.shape) for name, tensor in tensors if not name.startswith((prefix, own))
        }
tiny_bert.write_json(HERE / "pretraining_heads.json", heads)
