"""Makes a tiny BERT whose classifier reads the mean of all tokens, as many sentence encoders are trained, and what
PyTorch computes from it: see ../families.py. transformers has no class for it, so this one is written from `BertModel`.

Run in an environment with torch and transformers: python3 generate.py
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent))

import families
import tiny_bert
import torch
from transformers import BertConfig, BertModel
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.models.bert.modeling_bert import BertPreTrainedModel


class BertForMeanClassification(BertPreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.bert = BertModel(config, add_pooling_layer=False)
        rate = config.hidden_dropout_prob if config.classifier_dropout is None else config.classifier_dropout
        self.dropout = torch.nn.Dropout(rate)
        self.classifier = torch.nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(self, input_ids, attention_mask, token_type_ids, labels=None, output_hidden_states=False):
        output = self.bert(
            input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            output_hidden_states=output_hidden_states,
        )
        mask = attention_mask.unsqueeze(-1).to(output.last_hidden_state.dtype)
        mean = (output.last_hidden_state * mask).sum(1) / mask.sum(1)
        logits = self.classifier(self.dropout(mean))
        loss = None if labels is None else torch.nn.functional.cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits, hidden_states=output.hidden_states)


families.write(
    families.Family(
        folder=HERE,
        model=BertForMeanClassification,
        config=BertConfig(
            vocab_size=len(tiny_bert.vocabulary()),
            hidden_size=24,
            num_hidden_layers=2,
            num_attention_heads=3,
            intermediate_size=40,
            max_position_embeddings=families.MAX_LENGTH,
            type_vocab_size=2,
            num_labels=families.LABELS,
            classifier_pooling="mean",
        ),
        tokenizer=tiny_bert.tokenizer(),
        variants=[{"num_attention_heads": 4}],
    )
)
# What transformers can load of it.
path = HERE / "snapshot/config.json"
config = json.loads(path.read_text())
config["architectures"] = ["BertModel"]
path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
