"""Makes a tiny XLNet and what transformers computes from it: see ../families.py.

Run in an environment with torch and transformers: python3 generate.py
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent))

import families
from transformers import XLNetConfig, XLNetForSequenceClassification

SPECIAL = ["<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>"]

families.write(
    families.Family(
        folder=HERE,
        model=XLNetForSequenceClassification,
        config=XLNetConfig(
            vocab_size=170,
            d_model=24,
            n_layer=2,
            n_head=3,
            d_inner=40,
            pad_token_id=5,
            num_labels=families.LABELS,
        ),
        tokenizer=families.unigram(SPECIAL, "<unk>", "$A:0 <sep>:0 <cls>:2", "$A:0 <sep>:0 $B:1 <sep>:1 <cls>:2"),
        variants=[
            {"ff_activation": "relu"},
            {"layer_norm_eps": 0.1},
            {"clamp_len": 5},
            {"summary_activation": None},
            {"summary_activation": "gelu"},
        ],
        # Where a pair is cut to an odd number of tokens, tokenizers 0.23.2 and 0.23.3 differ by one.
        max_length=families.MAX_LENGTH - 1,
        left=True,
        token_types=True,
    )
)
