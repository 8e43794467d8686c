"""Makes the token ids that transformers' `AutoTokenizer` gives for snapshots with other files and settings.

Run in an environment with torch and transformers: python3 generate.py

  expected.json  `texts` (cut at `max_length`) and `pairs` (the longest first, at `pair_max_length`), and cases: the golden
                 whose tokenizer is taken, whether `tokenizer.json` is there (`whole`) and whether its vocabulary's older
                 files are, what is written beside them (`beside`), and the ids of every text and pair, with token types
                 where transformers gives the model any
"""

import importlib.util
import json
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
GOLDEN = HERE.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(GOLDEN))

import tiny_bert
from transformers import AutoTokenizer

spec = importlib.util.spec_from_file_location("tokens", GOLDEN / "tokens" / "generate.py")
tokens = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tokens)

MAX_LENGTH, PAIR_MAX_LENGTH = 30, 20

TEXTS = tokens.SINGLES + [
    "A Warm film, and THE harbour scene is lovely.",
    "Caf\u00e9 na\u00efve \u00fcber CAF\u00c9",
    " leading and trailing ",
    "<s> <mask> </s><pad> <unk>",
    "the <mask> of the sea <MASK>",
    "we're they'll I'd it's",
    "two  spaces   three",
    "\u4e2d\u6587 film\u4e2d\u6587",
    "\u2581 the sign of SentencePiece \u2581\u2581",
    "Unbreakable 2026 films! (He told her that she was young.)",
]
PAIRS = tokens.PAIRS + [
    [" ", " "],
    ["the plot?", " never dull"],
    ["even " * 30, "even " * 30],
    ["rain " * 29, "wind " * 30],
    ["rain " * 30, "wind " * 29],
    ["<mask>", "[MASK]"],
    ["old", "lamp " * 15],
    ["old lamp " * 9, "lamp"],
    ["\u4e2d\u6587", "\U0001f600 \U0001f622"],
    ["A Sad Song", "A TENDER TALE"],
]

LSTRIP = {"__type": "AddedToken", "content": "<mask>", "lstrip": True, "normalized": False, "rstrip": False,
          "single_word": False}
ADDED = {"240": {"content": "harbour scene", "lstrip": False, "normalized": True, "rstrip": False, "single_word": False,
                 "special": False}}


def case(golden, whole, settings=None, **beside):
    if settings is not None:
        beside["tokenizer_config"] = settings
    return {"golden": golden, "whole": whole, "beside": beside}


CASES = [
    case("tiny", False),
    case("tiny", False, {"do_lower_case": False}),
    case("tiny", True),
    case("tiny", True, {"do_lower_case": False, "strip_accents": True, "tokenize_chinese_chars": False}),
    case("tiny", True, {"truncation_side": "left", "tokenizer_class": "BertTokenizerFast"}),
    case("tiny", True, {"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": False}),
    case("tiny", True, {"model_input_names": ["input_ids", "attention_mask"]}),
    case("tiny", True, {"split_special_tokens": True}),
    case("tiny", False, {}, special_tokens_map={"cls_token": "!", "sep_token": "?"}, added_tokens={"!!": 233}),
    case("tiny", False, {"added_tokens_decoder": ADDED}),
    case("distilbert", False, {"tokenizer_class": "DistilBertTokenizer"}),
    case("electra", False, {"tokenizer_class": "ElectraTokenizerFast", "do_lower_case": True}),
    case("roberta", False),
    case("roberta", False, {"add_prefix_space": True, "tokenizer_class": "RobertaTokenizer"}),
    case("roberta", False, {"mask_token": LSTRIP, "truncation_side": "left"}),
    case("roberta", True),
    case("roberta", True, {"add_prefix_space": True}),
    case("xlm_roberta", True, {"tokenizer_class": "PreTrainedTokenizerFast"}),
]


def write(case, folder):
    """Writes the snapshot's files as the test does."""
    whole = json.loads((GOLDEN / case["golden"] / "snapshot" / "tokenizer.json").read_text())
    config = json.loads((GOLDEN / case["golden"] / "snapshot" / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({"model_type": config["model_type"]}))
    model = whole["model"]
    if case["whole"]:
        (folder / "tokenizer.json").write_text(json.dumps(whole))
    elif model["type"] == "BPE":
        (folder / "vocab.json").write_text(json.dumps(model["vocab"]))
        lines = [" ".join(merge) for merge in model["merges"]]
        (folder / "merges.txt").write_text("".join(f"{line}\n" for line in ["#version: 0.2", *lines]), encoding="utf-8")
    else:
        tokens = sorted(model["vocab"], key=model["vocab"].get)
        (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
    for name, content in case["beside"].items():
        (folder / f"{name}.json").write_text(json.dumps(content))


def ids(case):
    with tempfile.TemporaryDirectory() as folder:
        write(case, Path(folder))
        tokenizer = AutoTokenizer.from_pretrained(folder)
        singles = tokenizer(TEXTS, truncation="longest_first", max_length=MAX_LENGTH)
        first, second = zip(*PAIRS)
        pairs = tokenizer(list(first), list(second), truncation="longest_first", max_length=PAIR_MAX_LENGTH)
        result = {"singles": singles["input_ids"], "pairs": pairs["input_ids"]}
        if "token_type_ids" in pairs:
            assert not any(map(any, singles["token_type_ids"]))
            result["types"] = pairs["token_type_ids"]
        return result


assert (len(TEXTS), len(PAIRS)) == (60, 20)
lines = [json.dumps(case | ids(case)) for case in CASES]
head = {"max_length": MAX_LENGTH, "pair_max_length": PAIR_MAX_LENGTH, "texts": TEXTS, "pairs": PAIRS}
(HERE / "expected.json").write_text(
    json.dumps(head)[:-1] + ', "cases": [\n' + ",\n".join(lines) + "\n]}\n", encoding="ascii"
)
tiny_bert.write_versions(HERE)
