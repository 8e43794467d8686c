"""Makes the tiny checkpoint, its variants and what transformers computes from it.

Run in an environment with torch and transformers: python3 generate.py

  snapshot/                       config.json, model.safetensors, tokenizer.json: BertForSequenceClassification, `bert.` prefix
  variants/base_model.safetensors  BertModel: no prefix, no classifier, with the int64 `embeddings.position_ids` of old releases
  variants/old_names.safetensors   as bert-base-uncased: `bert.` prefix, `gamma` and `beta`, pretraining heads under `cls.`
  variants/masked_lm.safetensors   BertForMaskedLM: `bert.` prefix, no pooler, masked-LM head under `cls.predictions.`
  sentences.json                  the texts of the batch, and more texts, with their token ids
  expected.safetensors            the batch, every hidden state, the pooled output and the logits, in f32

The body's weights are the same in all four files, so the hidden states of `expected.safetensors` hold for each.
"""

import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent))

import tiny_bert
import torch
from safetensors.torch import load_file, save_file
from transformers import BertForMaskedLM, BertForPreTraining, BertForSequenceClassification, BertModel

# Two pairs; lengths from 2 (an empty text) to 40.
BATCH = [
    ["A warm film, and the harbour scene is lovely.", None],
    ["", None],
    ["The plot?", "Never dull; the voice of the old actor is tender and the camera is calm."],
    [
        "They told it slowly, without music, but every little letter he had from the grey island was honest and the "
        "quietest winter light in it is watched until dark, and late.",
        None,
    ],
    ["Not bad!", "Better than most..."],
]

MORE = [
    ["unbreakable 2026 films", None],
    ["  RAIN\tand\nwind  ", None],
    ["Caf\u00e9 na\u00efve \u00fcber", None],
    ["\u4e2d\u6587 film \U0001f600", None],
    ["the [MASK] of the sea", None],
    ["x" * 101, None],
    ["rain " * 60, "wind " * 3],
    ["rain " * 5, "wind " * 60],
]
MORE_MAX_LENGTH = 24


def renamed(tensors, rename):
    return {rename(name): tensor for name, tensor in tensors.items()}


def old_name(name):
    return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")


def saved(model):
    """The tensors transformers writes for a model, tied ones once."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        return load_file(Path(folder) / "model.safetensors")


def with_body(kind, body, seed):
    """A model of another kind with the same body and its own reproducible head."""
    model = tiny_bert.fill(kind._from_config(tiny_bert.config(), attn_implementation="eager"), seed).eval()
    missing = model.bert.load_state_dict(body, strict=False)
    assert not missing.missing_keys
    return model


def encodings(tokenizer, texts):
    """Token ids and types without padding."""
    result = []
    for text, pair in texts:
        encoding = tokenizer.encode(text, pair)
        result.append({"text": text, "pair": pair, "ids": encoding.ids, "type_ids": encoding.type_ids})
    return result


def write_checkpoints(model):
    snapshot, variants = HERE / "snapshot", HERE / "variants"
    for folder in (snapshot, variants):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    model.save_pretrained(snapshot)
    tiny_bert.tokenizer().save(str(snapshot / "tokenizer.json"), pretty=False)

    body = model.bert.state_dict()
    base = BertModel._from_config(tiny_bert.config(), attn_implementation="eager").eval()
    base.load_state_dict(body)
    tensors = saved(base)
    tensors["embeddings.position_ids"] = torch.arange(base.config.max_position_embeddings).unsqueeze(0)
    save_file(tensors, variants / "base_model.safetensors", {"format": "pt"})

    pretraining = saved(with_body(BertForPreTraining, body, seed=1))
    save_file(renamed(pretraining, old_name), variants / "old_names.safetensors", {"format": "pt"})

    masked = saved(with_body(BertForMaskedLM, body, seed=2))
    assert not any("pooler" in name for name in masked)
    save_file(masked, variants / "masked_lm.safetensors", {"format": "pt"})


def write_expected(model):
    tokenizer = tiny_bert.tokenizer()
    tokenizer.no_padding()
    tokenizer.no_truncation()
    batch = encodings(tokenizer, BATCH)
    tokenizer.enable_truncation(MORE_MAX_LENGTH, strategy="longest_first")
    more = encodings(tokenizer, MORE)
    tiny_bert.write_json(HERE / "sentences.json", {"batch": batch, "more_max_length": MORE_MAX_LENGTH, "more": more})

    longest = max(len(row["ids"]) for row in batch)
    assert (min(len(row["ids"]) for row in batch), longest) == (2, 40), longest
    padded = lambda rows: torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    inputs = {
        "input_ids": padded([row["ids"] for row in batch]),
        "attention_mask": padded([[1] * len(row["ids"]) for row in batch]),
        "token_type_ids": padded([row["type_ids"] for row in batch]),
    }
    with torch.no_grad():
        body = model.bert(**inputs, output_hidden_states=True)
        output = {f"hidden_states.{i}": state for i, state in enumerate(body.hidden_states)}
        output["pooled"] = body.pooler_output
        output["logits"] = model(**inputs).logits
    save_file(inputs | output, HERE / "expected.safetensors")
    check_variants(inputs, output)


def check_variants(inputs, output):
    """transformers itself reads the snapshot and every variant and finds the same hidden states in them."""
    for path in [HERE / "snapshot/model.safetensors", *sorted((HERE / "variants").iterdir())]:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(HERE / "snapshot/config.json", folder)
            shutil.copy(path, Path(folder) / "model.safetensors")
            model = BertModel.from_pretrained(folder, attn_implementation="eager").eval()
            with torch.no_grad():
                states = model(**inputs, output_hidden_states=True).hidden_states
            for i, state in enumerate(states):
                assert torch.equal(state, output[f"hidden_states.{i}"]), (path, i)
    again = BertForSequenceClassification.from_pretrained(HERE / "snapshot", attn_implementation="eager").eval()
    with torch.no_grad():
        assert torch.equal(again(**inputs).logits, output["logits"])


if __name__ == "__main__":
    classifier = tiny_bert.classifier()
    write_checkpoints(classifier)
    write_expected(classifier)
    tiny_bert.write_versions(HERE)
