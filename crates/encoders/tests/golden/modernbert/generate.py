"""Makes a tiny ModernBERT and what transformers computes from it: see ../families.py.

The window is shorter than the longest sequence.

Run in an environment with torch and transformers: python3 generate.py
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent))

import families
from transformers import ModernBertConfig, ModernBertForSequenceClassification

SPECIAL = {"all": ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"], "unk": "[UNK]"}
THETA = {
    "full_attention": {"rope_type": "default", "rope_theta": 500.0},
    "sliding_attention": {"rope_type": "default", "rope_theta": 50.0},
}

families.write(
    families.Family(
        folder=HERE,
        model=ModernBertForSequenceClassification,
        config=ModernBertConfig(
            vocab_size=340,
            hidden_size=24,
            intermediate_size=20,
            num_hidden_layers=4,
            num_attention_heads=3,
            max_position_embeddings=families.MAX_LENGTH,
            local_attention=12,
            pad_token_id=3,
            cls_token_id=1,
            sep_token_id=2,
            bos_token_id=1,
            eos_token_id=2,
            num_labels=families.LABELS,
        ),
        tokenizer=families.byte_level(SPECIAL, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:0 [SEP]:0"),
        variants=[
            {"hidden_activation": "silu"},
            {"classifier_activation": "relu"},
            {"num_attention_heads": 2},
            {"norm_eps": 0.1},
            {"local_attention": 5},
            {"local_attention": 128},
            {"classifier_pooling": "mean"},
            {"rope_parameters": THETA},
            {"layer_types": ["full_attention", "full_attention", "sliding_attention", "sliding_attention"]},
        ],
        exact="sdpa",
    )
)
