"""Makes what transformers computes from the bundled checkpoint, in f32.

Run in an environment with torch and transformers, after the checkpoint has changed: python3 generate.py

  expected.json         sentences with `[MASK]`, their token ids, and the five most probable words at each `[MASK]`
  expected.safetensors  the padded ids and mask, the places of `[MASK]` (row * length + column), all logits there
                        (BertForMaskedLM), and the last hidden state (BertModel)
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent))

import tiny_bert
import torch
from safetensors.torch import save_file
from transformers import AutoModelForMaskedLM, AutoTokenizer, BertModel

SNAPSHOT = HERE.parents[4] / "examples/glue_sst2/assets/film-bert-3x192"
SENTENCES = [
    "the acting is [MASK] .",
    "It's a slow film, but I was never [MASK]; the ending is one of the [MASK] I have seen.",
    "Don't waste your [MASK] on this.",
]


def main():
    tokenizer = AutoTokenizer.from_pretrained(SNAPSHOT)
    kind = {"attn_implementation": "eager", "dtype": torch.float32}
    masked, loading = AutoModelForMaskedLM.from_pretrained(SNAPSHOT, output_loading_info=True, **kind)
    assert type(masked).__name__ == "BertForMaskedLM"
    assert not any(loading[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")), loading
    body = BertModel.from_pretrained(SNAPSHOT, add_pooling_layer=False, **kind)

    batch = tokenizer(SENTENCES, padding=True, return_tensors="pt")
    places = (batch["input_ids"].flatten() == tokenizer.mask_token_id).nonzero().flatten()
    with torch.no_grad():
        logits = masked.eval()(**batch).logits.flatten(0, 1)[places]
        hidden = body.eval()(**batch).last_hidden_state
    expected = {name: batch[name].contiguous() for name in ("input_ids", "attention_mask")}
    save_file(
        expected | {"places": places, "logits": logits.contiguous(), "hidden": hidden.contiguous()},
        HERE / "expected.safetensors",
    )
    best = [tokenizer.convert_ids_to_tokens(row) for row in logits.topk(5).indices]
    ids = [tokenizer(sentence)["input_ids"] for sentence in SENTENCES]
    tiny_bert.write_json(HERE / "expected.json", {"sentences": SENTENCES, "ids": ids, "best": best})
    tiny_bert.write_versions(HERE)
    print(*zip(places.tolist(), best), sep="\n")


if __name__ == "__main__":
    main()
