"""Makes a tiny DeBERTa-v3 and what transformers computes from it: see ../families.py.

Distances share the projections of tokens, are normalised and lie in buckets, of which the longest sequence reaches the
last.

Run in an environment with torch and transformers: python3 generate.py
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent))

import families
from transformers import DebertaV2Config, DebertaV2ForSequenceClassification

# Where a pair is cut to an odd number of tokens, tokenizers 0.23.2 and 0.23.3 differ by one.
LONGEST = families.MAX_LENGTH - 1
SPECIAL = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]

families.write(
    families.Family(
        folder=HERE,
        model=DebertaV2ForSequenceClassification,
        config=DebertaV2Config(
            vocab_size=170,
            hidden_size=24,
            num_hidden_layers=2,
            num_attention_heads=3,
            intermediate_size=40,
            max_position_embeddings=LONGEST,
            type_vocab_size=0,
            relative_attention=True,
            position_buckets=8,
            norm_rel_ebd="layer_norm",
            share_att_key=True,
            pos_att_type=["p2c", "c2p"],
            position_biased_input=False,
            pooler_dropout=0.1,
            num_labels=families.LABELS,
        ),
        max_length=LONGEST,
        tokenizer=families.unigram(SPECIAL, "[UNK]", "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1"),
        variants=[
            {"hidden_act": "relu"},
            {"pooler_hidden_act": "tanh"},
            {"num_attention_heads": 4},
            {"layer_norm_eps": 0.1},
            {"pos_att_type": ["p2c"]},
            {"pos_att_type": ["c2p"]},
            {"pos_att_type": None},
            {"max_relative_positions": 20},
        ],
    )
)
