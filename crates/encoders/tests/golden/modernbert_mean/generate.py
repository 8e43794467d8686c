"""Makes a tiny ModernBERT with every bias and the mean of all tokens, and what transformers computes from it: see
../families.py.

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

families.write(
    families.Family(
        folder=HERE,
        model=ModernBertForSequenceClassification,
        config=ModernBertConfig(
            vocab_size=340,
            hidden_size=24,
            intermediate_size=20,
            num_hidden_layers=2,
            num_attention_heads=3,
            max_position_embeddings=families.MAX_LENGTH,
            local_attention=12,
            norm_bias=True,
            attention_bias=True,
            mlp_bias=True,
            classifier_bias=True,
            classifier_pooling="mean",
            pad_token_id=3,
            cls_token_id=1,
            sep_token_id=2,
            bos_token_id=1,
            eos_token_id=2,
            num_labels=families.LABELS,
        ),
        tokenizer=families.byte_level(SPECIAL, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:0 [SEP]:0"),
        variants=[{"classifier_pooling": "cls"}],
        exact="sdpa",
    )
)
