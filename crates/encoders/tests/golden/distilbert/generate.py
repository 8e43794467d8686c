"""Makes a tiny DistilBERT and what transformers computes from it: see ../families.py.

Run in an environment with torch and transformers: python3 generate.py
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent))

import families
import tiny_bert
from transformers import DistilBertConfig, DistilBertForSequenceClassification

families.write(
    families.Family(
        folder=HERE,
        model=DistilBertForSequenceClassification,
        config=DistilBertConfig(
            vocab_size=len(tiny_bert.vocabulary()),
            max_position_embeddings=families.MAX_LENGTH,
            n_layers=2,
            n_heads=3,
            dim=24,
            hidden_dim=40,
            num_labels=families.LABELS,
        ),
        tokenizer=tiny_bert.tokenizer(),
        variants=[{"activation": "relu"}, {"n_heads": 4}],
    )
)
