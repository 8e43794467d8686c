"""Makes the token ids that transformers' tokenizer gives for all-MiniLM-L6-v2.

Run in an environment with torch and transformers: NOISYTUNE_ASSETS=DIR python3 generate.py
DIR holds models/all-MiniLM-L6-v2 and datasets/SST-2.

  dev_ids.sha256.txt  one line for each SST-2 dev sentence in file order: the first 16 hexadecimal digits of the SHA-256 of
                      its token ids as little-endian u32, with [CLS] and [SEP], truncated to 128
  nasty.json          50 single texts (truncated to 128) and 10 pairs (longest first, to 32) with ids and token types
"""

import csv
import hashlib
import json
import os
import struct
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent))

import tiny_bert
from transformers import AutoTokenizer

MAX_LENGTH = 128
PAIR_MAX_LENGTH = 32

SINGLES = [
    "",
    "     ",
    "\t\n\r \u00a0\u2003\u3000",
    "na\u00efve caf\u00e9 r\u00e9sum\u00e9",
    "nai\u0308ve cafe\u0301 re\u0301sume\u0301",
    "\u0301\u0308 marks without a letter \u0323",
    "Vi\u1ec7t Nam, \u0110\u00e0 N\u1eb5ng, Th\u1eeba Thi\u00ean",
    "z\u0351\u034b\u0327a\u0300\u0310\u0321l\u0334\u0355g\u0322\u0338o\u0489",
    "\u4e2d\u6587\u96fb\u5f71 is mixed\u8207English\u6df7\u5408",
    "\u65e5\u672c\u8a9e\u306e\u30c6\u30b9\u30c8\u3002\u30ab\u30bf\u30ab\u30ca\u3068\u3072\u3089\u304c\u306a",
    "\ud55c\uad6d\uc5b4 \uc601\ud654 \u1112\u1161\u11ab",
    "\U00020000\U0002a6d6 rare ideographs \uf900",
    "good \U0001f600 bad \U0001f622",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 a family in one sign",
    "thumbs\U0001f44d\U0001f3fdup \u2764\ufe0f \U0001f1eb\U0001f1f7",
    "bell\u0007 escape\u001b[31m delete\u007f next\u0085line",
    "nul\u0000inside\u0000",
    "\u0000",
    "zero\u200bwidth\u200cjoin\u200dno\u2060break\ufeff",
    "\ufeffbyte order mark first",
    "soft\u00adhyphen and non\u2011breaking",
    "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd \u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd",
    "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645 \u0661\u0662\u0663",
    "\u202eright to left override\u202c and back",
    "tabs\tand\nnew\r\nlines\u2028and\u2029separators",
    "one" + " " * 40 + "gap",
    " ".join(f"word{i}" if i % 7 == 0 else ("sun", "moon", "star", "sea", "rock")[i % 5] for i in range(1000)),
    "a" * 300,
    "a" * 100,
    "a" * 101 + " tail",
    "unsegmentableqzxjkvwp",
    "[MASK] and [CLS] and [SEP] in the text [PAD] [UNK]",
    "[mask] [Cls] [ SEP ] [MASK[MASK]]",
    "[CLS][SEP]glued[MASK]together",
    "##ing ## # a##b [unused5]",
    "\"double\" 'single' \u201ccurly\u201d \u2018both\u2019 \u00ablow\u00bb `tick`",
    "don't can't rock'n'roll o\u2019clock",
    "\uff26\uff55\uff4c\uff4c \uff57\uff49\uff44\uff54\uff48 \uff11\uff12\uff13\uff01\uff1f",
    "\u0130stanbul \u0131\u015f\u0131k DI\u015e",
    "Stra\u00dfe STRASSE \u1e9e gro\u00df",
    "\ufb01ne \ufb02ow \u01c4 \u01c5 \u00e6on \u0153uvre",
    "\u03a3\u0399\u03a3\u03a5\u03a6\u039f\u03a3 \u03c3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u0451\u043b\u043a\u0430 \u0438 \u0439\u043e\u0434",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
    "\u2200x\u2208\u211d: x\u00b2\u22650 \u222b\u2211\u221e \u00b1\u00bd \u2264 \U0001d4d0\U0001d4d1",
    "https://example.org/a_b/c-d?q=1&r=%20#frag me@example.org",
    "3.14159 1,000,000 -5e-10 0x1F 12:34:56 50% $9.99 \u20ac7",
    "!!!???...---___///\\\\\\|||~~~^^^",
    "e\u0301e\u0301\u00e9 \u212b \u00c5 A\u030a \u1e69 s\u0323\u0307",
    "\ue000private\uffff \ufffd \u0378 \U0010ffff",
]

PAIRS = [
    ["", ""],
    ["", "only the second"],
    ["only the first", ""],
    ["Is it good?", "It is \u2014 very."],
    ["short", "long " * 60],
    ["long " * 60, "short"],
    ["even " * 60, "odd " * 60],
    ["seventeen " * 17, "fifteen " * 15],
    ["na\u00efve [SEP] marker", "\u4e2d\u6587 [MASK] \U0001f600"],
    ["a" * 300 + " unknown first", "the other side " * 12],
]


def encoded(tokenizer, text, pair, max_length):
    # Lists of one: given plain strings, transformers takes an empty second text for none at all.
    pairs = None if pair is None else [pair]
    encoding = tokenizer([text], pairs, truncation="longest_first", max_length=max_length)
    ids, types = encoding["input_ids"][0], encoding["token_type_ids"][0]
    assert len(ids) == len(types) <= max_length
    return {"ids": ids, "type_ids": types}


def inline(rows):
    """A JSON list with one row a line."""
    return "[\n" + ",\n".join("  " + json.dumps(row) for row in rows) + "\n ]"


def main():
    assets = Path(os.environ["NOISYTUNE_ASSETS"])
    tokenizer = AutoTokenizer.from_pretrained(assets / "models/all-MiniLM-L6-v2")

    with open(assets / "datasets/SST-2/dev.tsv", encoding="utf-8", newline="") as file:
        sentences = [row[0] for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)][1:]
    assert len(sentences) == 872
    digests = []
    for sentence in sentences:
        ids = encoded(tokenizer, sentence, None, MAX_LENGTH)["ids"]
        digests.append(hashlib.sha256(struct.pack(f"<{len(ids)}I", *ids)).hexdigest()[:16])
    (HERE / "dev_ids.sha256.txt").write_text("\n".join(digests) + "\n", encoding="ascii")

    assert len(SINGLES) == len(set(SINGLES)) == 50 and len(PAIRS) == 10
    singles = [{"text": text} | encoded(tokenizer, text, None, MAX_LENGTH) for text in SINGLES]
    for row in singles:
        assert set(row.pop("type_ids")) == {0}
    pairs = [{"text": a, "pair": b} | encoded(tokenizer, a, b, PAIR_MAX_LENGTH) for a, b in PAIRS]
    (HERE / "nasty.json").write_text(
        f'{{\n "max_length": {MAX_LENGTH},\n "singles": {inline(singles)},\n'
        f' "pair_max_length": {PAIR_MAX_LENGTH},\n "pairs": {inline(pairs)}\n}}\n',
        encoding="ascii",
    )
    tiny_bert.write_versions(HERE)


if __name__ == "__main__":
    main()
