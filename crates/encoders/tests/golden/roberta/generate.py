"""Makes a tiny RoBERTa and what transformers computes from it: see ../families.py.

Run in an environment with torch and transformers: python3 generate.py
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent))

import families
from transformers import RobertaConfig, RobertaForSequenceClassification

SPECIAL = {"all": ["<s>", "<pad>", "</s>", "<unk>", "<mask>"], "unk": "<unk>"}

families.write(
    families.Family(
        folder=HERE,
        model=RobertaForSequenceClassification,
        config=RobertaConfig(
            vocab_size=340,
            hidden_size=24,
            num_hidden_layers=2,
            num_attention_heads=3,
            intermediate_size=40,
            # Positions count from 2.
            max_position_embeddings=families.MAX_LENGTH + 2,
            type_vocab_size=1,
            layer_norm_eps=1e-5,
            num_labels=families.LABELS,
        ),
        tokenizer=families.byte_level(SPECIAL, "<s>:0 $A:0 </s>:0", "<s>:0 $A:0 </s>:0 </s>:0 $B:0 </s>:0"),
        variants=[
            {"hidden_act": "relu"},
            {"num_attention_heads": 4},
            {"layer_norm_eps": 0.1},
            # The first token of every text then is the pad token, with a position of its own.
            {"pad_token_id": 0},
        ],
    )
)
