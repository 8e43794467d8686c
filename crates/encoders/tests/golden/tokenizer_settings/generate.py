"""Makes the token ids that transformers gives for the tiny tokenizer under other settings.

Run in an environment with transformers: python3 generate.py

  expected.json  cases, each a tokenizer_config.json and the ids of every text of `texts`, with vocab.txt alone. Where the
                 settings are about normalization, tokenizer.json (../tiny/snapshot) beside it changes nothing.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import tokenizers
import transformers
from transformers import AutoTokenizer

HERE = Path(__file__).parent
TOKENIZER = HERE.parent / "tiny" / "snapshot" / "tokenizer.json"

TEXTS = [
    "A Warm film, and THE harbour scene is lovely.",
    "Café naïve über",
    "CAFÉ",
    "中文 film中文",
    "the [MASK] of [SEP] the sea [mask]",
    "",
    " \tRAIN\nand  wind ",
]
SETTINGS = [
    {},
    {"do_lower_case": True},
    {"do_lower_case": False},
    {"do_lower_case": True, "strip_accents": False},
    {"do_lower_case": False, "strip_accents": True},
    {"do_lower_case": False, "strip_accents": None, "tokenize_chinese_chars": False},
    {"tokenize_chinese_chars": False},
    {"cls_token": "[unused]", "sep_token": {"__type": "AddedToken", "content": "!", "lstrip": False, "normalized": False,
     "rstrip": False, "single_word": False}, "tokenizer_class": "BertTokenizerFast"},
]


def ids(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return [tokenizer(text)["input_ids"] for text in TEXTS]


def case(settings, has_vocabulary_alone):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        config = {"tokenizer_class": "BertTokenizer"} | settings
        (folder / "tokenizer_config.json").write_text(json.dumps(config))
        (folder / "config.json").write_text('{"model_type": "bert"}')
        vocabulary = json.loads(TOKENIZER.read_text())["model"]["vocab"]
        lines = sorted(vocabulary, key=vocabulary.get)
        (folder / "vocab.txt").write_text("".join(f"{line}\n" for line in lines))
        if not has_vocabulary_alone:
            shutil.copy(TOKENIZER, folder / "tokenizer.json")
        return ids(folder)


cases = []
for settings in SETTINGS:
    alone, beside = case(settings, True), case(settings, False)
    assert alone == beside or "cls_token" in settings
    cases.append({"settings": settings, "vocabulary": alone})
out = {"texts": TEXTS, "cases": cases}
(HERE / "expected.json").write_text(json.dumps(out, indent=1, ensure_ascii=False) + "\n")
versions = {
    "python": sys.version.split()[0],
    "transformers": transformers.__version__,
    "tokenizers": tokenizers.__version__,
}
(HERE / "versions.json").write_text(json.dumps(versions, indent=1) + "\n")
