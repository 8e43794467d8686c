"""Makes a tiny ELECTRA and what transformers computes from it: see ../families.py.

Run in an environment with torch and transformers: python3 generate.py
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent))

import families
import tiny_bert
from transformers import ElectraConfig, ElectraForSequenceClassification

families.write(
    families.Family(
        folder=HERE,
        model=ElectraForSequenceClassification,
        config=ElectraConfig(
            vocab_size=len(tiny_bert.vocabulary()),
            embedding_size=16,
            hidden_size=24,
            num_hidden_layers=2,
            num_attention_heads=3,
            intermediate_size=40,
            max_position_embeddings=families.MAX_LENGTH,
            type_vocab_size=2,
            num_labels=families.LABELS,
        ),
        tokenizer=tiny_bert.tokenizer(),
        variants=[{"hidden_act": "gelu_new"}, {"num_attention_heads": 4}, {"layer_norm_eps": 0.1}],
    )
)
