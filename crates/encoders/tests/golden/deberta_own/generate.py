"""Makes a tiny DeBERTa-v2 with what ../deberta leaves out, and what transformers computes from it: see ../families.py.

Distances have their own projections, are not normalised, and those beyond the longest count as it; absolute positions
and token types are added.

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
            max_relative_positions=7,
            type_vocab_size=2,
            relative_attention=True,
            pos_att_type="c2p|p2c",
            num_labels=families.LABELS,
        ),
        max_length=LONGEST,
        tokenizer=families.unigram(SPECIAL, "[UNK]", "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1"),
    )
)
