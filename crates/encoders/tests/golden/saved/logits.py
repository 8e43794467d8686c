"""Loads saved models with transformers, as any user would, and prints what they make of token ids.

Run in an environment with torch and transformers: python3 logits.py REQUEST.json > ANSWER.json

A request is a list of {"folder", "encodings": [{"ids", "type_ids"}], "texts": [[TEXT, PAIR or null]], "max_length"}. The
answer has for each {"logits", "ids", "problem_type", "id2label", "dtype"}, where "ids" are those that the folder's own
tokenizer gives the texts, and "versions". Each text goes through the model alone, so nothing depends on padding.
"""

import inspect
import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import transformers
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoTokenizer
from transformers.modeling_outputs import SequenceClassifierOutput

transformers.logging.set_verbosity_error()
torch.set_num_threads(1)


def mean_classifier(folder, config):
    """What crates/encoders/README.md says of a BERT with the mean of all tokens."""
    encoder, report = AutoModel.from_pretrained(folder, add_pooling_layer=False, output_loading_info=True)
    assert not report["missing_keys"] and not report["mismatched_keys"], report
    assert set(report["unexpected_keys"]) == {"classifier.weight", "classifier.bias"}, report
    head = load_file(os.path.join(folder, "model.safetensors"))

    class Classifier(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.config, self.dtype = encoder, config, encoder.dtype

        def forward(self, **batch):
            mask = batch["attention_mask"].unsqueeze(-1)
            mean = (self.encoder(**batch).last_hidden_state * mask).sum(1) / mask.sum(1)
            logits = torch.nn.functional.linear(mean, head["classifier.weight"], head["classifier.bias"])
            return SequenceClassifierOutput(logits=logits)

    return Classifier()


def answer(request):
    folder = request["folder"]
    config = AutoConfig.from_pretrained(folder)
    reads_mean = config.architectures == ["BertModel"]
    if reads_mean:
        assert config.classifier_pooling == "mean"
        model = mean_classifier(folder, config)
    else:
        model, report = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
        for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
            assert not report[problem], f"{folder}: {problem}: {report[problem]}"
    model.eval()
    takes_types = reads_mean or "token_type_ids" in inspect.signature(model.forward).parameters
    takes_types = takes_types and getattr(model.config, "type_vocab_size", 2) > 0
    logits = []
    with torch.inference_mode():
        for encoding in request["encodings"]:
            batch = {"input_ids": torch.tensor([encoding["ids"]])}
            batch["attention_mask"] = torch.ones_like(batch["input_ids"])
            if takes_types:
                batch["token_type_ids"] = torch.tensor([encoding["type_ids"]])
            logits.append(model(**batch).logits[0].float().tolist())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = [
        tokenizer(text, pair, truncation=True, max_length=request["max_length"])["input_ids"]
        for text, pair in request["texts"]
    ]
    return {
        "logits": logits,
        "ids": ids,
        "problem_type": model.config.problem_type,
        "id2label": [model.config.id2label[id] for id in range(model.config.num_labels)],
        "dtype": str(model.dtype).removeprefix("torch."),
    }


requests = json.load(open(sys.argv[1]))
versions = {"torch": torch.__version__, "transformers": transformers.__version__}
json.dump({"versions": versions, "answers": [answer(request) for request in requests]}, sys.stdout, indent=1)
