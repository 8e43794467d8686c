"""Makes a tiny XLM-R and what transformers computes from it: see ../families.py.

The pad token is not 1, so that positions count from elsewhere than RoBERTa's.

Run in an environment with torch and transformers: python3 generate.py
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent))

import families
from transformers import XLMRobertaConfig, XLMRobertaForSequenceClassification

SPECIAL = ["<s>", "</s>", "<unk>", "<pad>", "<mask>"]

families.write(
    families.Family(
        folder=HERE,
        model=XLMRobertaForSequenceClassification,
        config=XLMRobertaConfig(
            vocab_size=170,
            hidden_size=24,
            num_hidden_layers=2,
            num_attention_heads=3,
            intermediate_size=40,
            # Positions count from 4.
            max_position_embeddings=families.MAX_LENGTH + 4,
            type_vocab_size=1,
            layer_norm_eps=1e-5,
            pad_token_id=3,
            num_labels=families.LABELS,
        ),
        tokenizer=families.unigram(SPECIAL, "<unk>", "<s>:0 $A:0 </s>:0", "<s>:0 $A:0 </s>:0 </s>:0 $B:0 </s>:0"),
        variants=[{"hidden_act": "silu"}, {"num_attention_heads": 4}],
    )
)
