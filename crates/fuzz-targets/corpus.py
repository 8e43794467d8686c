"""Makes the valid files of `corpus`, all small; the other files in it are inputs that were a fault once.

    python crates/fuzz-targets/corpus.py

Needs numpy and safetensors. Parquet files are copied from the tests of `tasks`, records from a recorded study.
"""

import gzip
import json
import shutil
from pathlib import Path

import numpy
from safetensors.numpy import save

HERE = Path(__file__).parent / "corpus"
ROOT = Path(__file__).parents[2]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "film", "##s", "fine", "bad"]


def put(path, content):
    path = HERE / path
    path.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(content, (bytes, str)):
        content = json.dumps(content, ensure_ascii=False)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


BERT = {
    "model_type": "bert", "vocab_size": 10, "hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2,
    "intermediate_size": 3, "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
    "classifier_dropout": None, "max_position_embeddings": 32, "type_vocab_size": 2, "initializer_range": 0.02,
    "layer_norm_eps": 1e-12, "pad_token_id": 0, "position_embedding_type": "absolute", "is_decoder": False,
    "problem_type": "single_label_classification", "id2label": {"0": "bad", "1": "good"}, "num_labels": 2,
}
SMALL = {"vocab_size": 10, "hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 3,
         "max_position_embeddings": 34}
CONFIGS = {
    "bert": BERT,
    "bert-mean": BERT | {"classifier_pooling": "mean", "architectures": ["BertModel"]},
    "xlm-roberta": {"model_type": "xlm-roberta", **SMALL, "type_vocab_size": 1, "pad_token_id": 1},
    "electra": {"model_type": "electra", **SMALL, "embedding_size": 2},
    "distilbert": {"model_type": "distilbert", "vocab_size": 10, "dim": 4, "n_layers": 1, "n_heads": 2, "hidden_dim": 3,
                   "max_position_embeddings": 32},
    "xlnet": {"model_type": "xlnet", "vocab_size": 10, "d_model": 4, "n_layer": 1, "n_head": 2, "d_inner": 3,
              "clamp_len": -1, "summary_type": "last", "attn_type": "bi"},
    "modernbert": {"model_type": "modernbert", **SMALL, "pad_token_id": 0, "global_attn_every_n_layers": 3,
                   "local_attention": 4, "layer_types": ["full_attention"],
                   "rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 10000.0}}},
    "deberta-v2": {"model_type": "deberta-v2", **SMALL, "type_vocab_size": 0, "relative_attention": True,
                   "position_buckets": 4, "max_relative_positions": -1, "position_biased_input": False,
                   "pos_att_type": "p2c|c2p", "norm_rel_ebd": "layer_norm", "share_att_key": False},
}

SHAPES = {
    "bert.embeddings.word_embeddings.weight": [10, 4], "bert.embeddings.position_embeddings.weight": [32, 4],
    "bert.embeddings.token_type_embeddings.weight": [2, 4], "bert.embeddings.LayerNorm.weight": [4],
    "bert.embeddings.LayerNorm.bias": [4], "bert.pooler.dense.weight": [4, 4], "bert.pooler.dense.bias": [4],
    "classifier.weight": [2, 4], "classifier.bias": [2],
}
LAYER = "bert.encoder.layer.0."
for part in ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"]:
    SHAPES |= {f"{LAYER}{part}.weight": [4, 4], f"{LAYER}{part}.bias": [4]}
for part in ["attention.output.LayerNorm", "output.LayerNorm"]:
    SHAPES |= {f"{LAYER}{part}.weight": [4], f"{LAYER}{part}.bias": [4]}
SHAPES |= {f"{LAYER}intermediate.dense.weight": [3, 4], f"{LAYER}intermediate.dense.bias": [3],
           f"{LAYER}output.dense.weight": [4, 3], f"{LAYER}output.dense.bias": [4]}


def tensors(dtype, shapes):
    return {name: (numpy.arange(numpy.prod(shape)).reshape(shape) / 64).astype(dtype) for name, shape in shapes.items()}


def token(content, number, **more):
    return {"id": number, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": False, "special": True, **more}


def template(first, last):
    piece = lambda id: {"SpecialToken": {"id": id, "type_id": 0}}
    text = lambda id, kind: {"Sequence": {"id": id, "type_id": kind}}
    special = {id: {"id": id, "ids": [number], "tokens": [id]} for id, number in [first, last]}
    return {"type": "TemplateProcessing", "single": [piece(first[0]), text("A", 0), piece(last[0])],
            "pair": [piece(first[0]), text("A", 0), piece(last[0]), text("B", 1), piece(last[0])],
            "special_tokens": special}


PADDING = {"strategy": {"Fixed": 8}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0,
           "pad_token": "[PAD]"}
TRUNCATION = {"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0}
WORDPIECE = {
    "version": "1.0", "truncation": TRUNCATION, "padding": PADDING,
    "added_tokens": [token(word, number) for number, word in enumerate(WORDS[:5])],
    "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None,
                   "lowercase": True},
    "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": template(("[CLS]", 2), ("[SEP]", 3)),
    "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
              "max_input_chars_per_word": 100, "vocab": {word: number for number, word in enumerate(WORDS)}},
}
# A trie that replaces "a" by "b", as sentencepiece packs it.
UNITS = [0] * 256
UNITS[0x61] = 0x61 | 1 << 8 | 0x60 << 10
CHARSMAP = (1024).to_bytes(4, "little") + b"".join(unit.to_bytes(4, "little") for unit in UNITS) + b"b\0"
UNIGRAM = {
    "version": "1.0", "truncation": None, "padding": None,
    "added_tokens": [token("<s>", 0), token("<pad>", 1), token("</s>", 2), token("<unk>", 3)],
    "normalizer": {"type": "Sequence", "normalizers": [
        {"type": "Precompiled", "precompiled_charsmap": __import__("base64").b64encode(CHARSMAP).decode()},
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
    "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
    "post_processor": template(("<s>", 0), ("</s>", 2)),
    "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
    "model": {"type": "Unigram", "unk_id": 3, "byte_fallback": False,
              "vocab": [["<s>", 0.0], ["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0], ["▁", -2.0], ["f", -3.0], ["ilm", -4.5]]},
}
BPE = UNIGRAM | {
    "normalizer": {"type": "NFKC"},
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": "\\s+"}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}]},
    "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": True,
                       "add_prefix_space": False},
    "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
    "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
              "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
              "vocab": {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "f": 4, "i": 5, "fi": 6}, "merges": [["f", "i"]]},
}
SETTINGS = {
    "tokenizer_class": "BertTokenizer", "do_lower_case": True, "strip_accents": None, "tokenize_chinese_chars": True,
    "model_max_length": 16, "truncation_side": "right", "padding_side": "right", "unk_token": "[UNK]",
    "sep_token": {"content": "[SEP]", "lstrip": False}, "model_input_names": ["input_ids", "token_type_ids"],
    "split_special_tokens": False, "added_tokens_decoder": {"0": {key: value for key, value in token("[PAD]", 0).items() if key != "id"}},
}


def snapshots():
    for name, config in CONFIGS.items():
        put(f"config/{name}.json", config)
    put("tokenizer/bert.json", WORDPIECE)
    put("tokenizer/bpe.json", BPE)
    put("tokenizer-of-its-own/unigram.json", UNIGRAM)
    put("tokenizer-of-its-own/bpe.json", BPE)
    put("tokenizer-of-its-own/word-level.json", UNIGRAM | {"normalizer": {"type": "Lowercase"}, "model": {
        "type": "WordLevel", "unk_token": "<unk>", "vocab": {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}}})
    put("tokenizer-config/whole.json", SETTINGS)
    put("tokenizer-config/roberta.json", {"tokenizer_class": "RobertaTokenizerFast", "add_prefix_space": True})
    put("vocabulary/bert.txt", "\n".join(WORDS) + "\n")
    vocabulary = json.dumps(BPE["model"]["vocab"])
    put("vocabulary/roberta.txt", f"{vocabulary}\n\n#version: 0.2\nf i\n")
    put("safetensors/bert.safetensors", save(tensors("float32", SHAPES), {"format": "pt"}))
    put("safetensors/f16.safetensors", save(tensors("float16", SHAPES)))
    wrapped = {f"module.{name}": shape for name, shape in SHAPES.items()}
    put("safetensors/wrapped.safetensors", save(tensors("float64", wrapped)))
    index = {"metadata": {"total_size": 1000}, "weight_map": {name: "part.safetensors" for name in SHAPES}}
    put("shard-index/whole.json", index)
    for name, file in [("up", "../outside.json"), ("root", "/etc/passwd"), ("link", "link.safetensors"),
                       ("device", "/dev/zero"), ("inner", "./part.safetensors")]:
        put(f"shard-index/{name}.json", {"weight_map": {name: file for name in SHAPES}})


def tables():
    put("tsv/sst2.tsv", "sentence\tlabel\na fine film\t1\nbad\t0\n")
    put("tsv/cola.tsv", "gj04\t1\t\tA film.\nbc01\t0\t*\tFilm a.\n")
    put("tsv/mrpc.tsv", "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t1\t2\ta film\tthe film\n0\t3\t4\ta\tb\n")
    head = "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore"
    put("tsv/stsb.tsv", f"{head}\n0\tg\tf\t2012\t1\ta\tb\ta film\tthe film\t4.5\n")
    rows = [("a fine film", "good"), ("bad, \"very\" bad", "bad"), ("a\nb", "good"), ("film", "bad")] * 2
    quote = lambda text: '"' + text.replace('"', '""') + '"'
    csv = "text,label\n" + "".join(f"{quote(text)},{label}\n" for text, label in rows)
    put("csv/words.csv", csv)
    put("csv/pairs.csv", "sentence1,sentence2,label\r\n" + "a,b,0\r\nc,d,1\r\n" * 3)
    put("csv/scores.csv", "text,label\n" + "a,0.5\nb,1.5\nc,2\n" * 2)
    put("gzip/words.csv.gz", gzip.compress(csv.encode(), mtime=0))
    put("gzip/one-long-row.csv.gz", gzip.compress(b"text,label\n" + b"x" * (1 << 21) + b",a\n", mtime=0))
    put("gzip/many-rows.csv.gz", gzip.compress(b"text,label\n" + b"a,1\nb,2\n" * (1 << 14), mtime=0))
    put("texts/texts.txt", "\ufeffa fine film\n\nbad\r\n a b \n")
    put("texts/pairs.txt", "a\tb\n\t\nfine\tfilm\n")
    put("text/lines.txt", "a fine film<br />with words\n\na fine film with words\nfilm\tbad\n" * 2)
    put("text/words.txt", " ".join(f"w{number}" for number in range(40)) + "\n")
    put("text-gzip/words.txt.gz", gzip.compress(b"a fine film\nbad\n" * 9, mtime=0))
    put("text-gzip/many-lines.txt.gz", gzip.compress(b"\n" * (1 << 22), mtime=0))
    put("text-gzip/the-same-line.txt.gz", gzip.compress(b"a\n" * (1 << 21), mtime=0))
    put("text-gzip/many-words.txt.gz", gzip.compress(b"a b c d e f g h\n" * (1 << 13), mtime=0))
    lines = [{"text": text, "label": label, "more": [1, {"a": None}]} for text, label in rows]
    put("json-lines/words.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    put("json-lines/numbers.jsonl", '{"sentence":"a","label":0}\n{"label":1,"sentence":true}\n' * 3)
    goldens = ROOT / "crates/tasks/tests/golden"
    for path in [*goldens.glob("parquet/encodings/*.parquet"), goldens / "parquet/faults/list_sentence.parquet",
                 goldens / "own/parquet/string.parquet", goldens / "own/parquet/float64.parquet",
                 goldens / "own/parquet/dictionary.parquet", goldens / "own/parquet/bool.parquet"]:
        (HERE / "parquet").mkdir(parents=True, exist_ok=True)
        shutil.copy(path, HERE / "parquet" / path.name)


def varint(number):
    number &= 2**64 - 1
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def zigzag(number):
    return varint(number << 1 ^ number >> 63)


def struct(fields):
    """Thrift's compact protocol; a value is an int (i32), a str, a list of them, a dict, or (i64,)."""
    kinds = {int: 5, tuple: 6, str: 8, list: 9, dict: 12}
    def value(of):
        if isinstance(of, (int, tuple)):
            return zigzag(of[0] if isinstance(of, tuple) else of)
        if isinstance(of, str):
            return varint(len(of)) + of.encode()
        if isinstance(of, list):
            return bytes([len(of) << 4 | kinds[type(of[0])]]) + b"".join(map(value, of))
        return struct(of)
    out, last = b"", 0
    for number, field in fields.items():
        out += bytes([(number - last) << 4 | kinds[type(field)]]) + value(field)
        last = number
    return out + b"\0"


def parquet(rows, sizes={}, values={}, text=b"a fine film", delta=None):
    """A Parquet file of a text and a label in dictionaries, all texts the same; `sizes` and `values` override what page
    headers announce, by kind of page (0 data, 2 dictionary). With `delta` the texts' lengths are differences."""
    out = b"PAR1"
    columns = []
    run = lambda count, value: varint(count << 1) + bytes([value])
    halves = b"\x01" + run(rows // 2, 0) + run(rows - rows // 2, 1)
    labels = (0).to_bytes(8, "little") + (1).to_bytes(8, "little")
    texts = len(text).to_bytes(4, "little") + text
    for name, kind, dictionary, count, data in [
        ("sentence", 6, texts, 1, b"\x01" + run(rows, 0)), ("label", 2, labels, 2, halves),
    ]:
        start, encoding = len(out), 8
        if name == "sentence" and delta is not None:
            encoding, data = delta
        else:
            out += struct({1: 2, 2: sizes.get(2, len(dictionary)), 3: len(dictionary),
                           7: {1: values.get(2, count), 2: 0}}) + dictionary
        page = len(out)
        out += struct({1: 0, 2: sizes.get(0, len(data)), 3: len(data),
                       5: {1: values.get(0, rows) % 2**31, 2: encoding, 3: 3, 4: 3}}) + data
        length = (len(out) - start,)
        meta = {1: kind, 2: [0, 3, 8], 3: [name], 4: 0, 5: (rows,), 6: length, 7: length, 9: (page,)}
        columns.append({2: (start,), 3: meta if page == start else meta | {11: (start,)}})
    schema = [{4: "schema", 5: 2}, {1: 6, 3: 0, 4: "sentence", 6: 0}, {1: 2, 3: 0, 4: "label"}]
    group = {1: columns, 2: (len(out),), 3: (rows,)}
    footer = struct({1: 1, 2: schema, 3: (rows,), 4: [group], 6: "corpus.py"})
    return out + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def parquets():
    most = 2**31 - 1
    delta = lambda count: varint(128) + varint(4) + varint(count) + zigzag(1) + zigzag(0) + b"\0\0\0\0" + b"abcdefgh"
    for name, file in {
        "runs": parquet(8), "runs-of-a-million": parquet(1_000_000), "delta-lengths": parquet(8, delta=(6, delta(8))),
        "announces-a-large-page": parquet(8, sizes={0: most}),
        "announces-a-large-dictionary": parquet(8, values={2: most}),
        "announces-both": parquet(8, sizes={2: most}, values={2: most}),
        "announces-many-values": parquet(8, values={0: most}),
        "announces-many-lengths": parquet(8, delta=(6, delta(2**40))),
        "announces-many-differences": parquet(8, delta=(7, delta(2**40))),
        "announces-many-rows": parquet(2**40), "unfolds-rows": parquet(most),
        "unfolds-texts": parquet(1_000_000, text=b"x" * 10_000),
    }.items():
        put(f"parquet/{name}.parquet", file)


def studies():
    study = ROOT / "examples/glue_sst2/runs/quick"
    runs = [json.loads(line) for line in (study / "runs.jsonl").read_text().splitlines()[:2]]
    for run in runs:
        run["curve"] = run["curve"][:3]
        run["predictions"] = {"dev": "predictions/baseline-seed0-dev.tsv"}
        if run["noise"]:
            run["noise"]["skipped"] = run["noise"]["skipped"][:2]
    lines = "".join(json.dumps(run, ensure_ascii=False) + "\n" for run in runs)
    put("records/format-2.jsonl", lines)
    put("records/torn.jsonl", lines[:-100])
    put("records/version-1.jsonl", (ROOT / "crates/study/tests/records/version_1.json").read_text().replace("\n", "") + "\n")
    for name, change in [
        ("predictions-outside", {"predictions": {"dev": "../outside.json"}}),
        ("predictions-at-root", {"predictions": {"dev": "/etc/passwd"}}),
        ("model-outside", {"saved_model": {"folder": "../../models", "saving": "best"}}),
    ]:
        put(f"records/{name}.jsonl", json.dumps(runs[0] | change) + "\n")
    for name in ["study.json", "plan.json"]:
        put(f"plan/{name}", (study / name).read_text())
    put("plan/predictions.tsv", "index\tprediction\tlabel\n0\t0\t1\n1\t1\t1\n")


def answers():
    commit = "0123456789abcdef0123456789abcdef01234567"
    def answer(status, headers, body=""):
        lines = [f"HTTP/1.1 {status}", "Connection: close", f"Content-Length: {len(body)}", *headers, "", body]
        return "\r\n".join(lines)
    info = lambda sha: answer("200 OK", ["Content-Type: application/json"], json.dumps({"sha": sha, "siblings": [{"rfilename": "config.json"}]}))
    def file(etag, commit=commit, size=2, more=()):
        tags = [f'ETag: "{etag}"', f"x-repo-commit: {commit}", *more]
        return [answer("206 Partial Content", [*tags, f"Content-Range: bytes 0-0/{size}"], "{"),
                answer("206 Partial Content", [f"Content-Range: bytes 0-1/{size}"], "{}")]
    for name, parts in {
        "whole": [info(commit), *file("a" * 40)],
        "commit-outside": [info("../../../../outside"), *file("a" * 40)],
        "etag-outside": [info(commit), *file("../../../../outside.json")],
        "etag-at-root": [info(commit), *file("/tmp/outside")],
        "weak-etag": [info(commit), *file("a" * 40, more=['x-linked-etag: W/"bb"'])],
        "other-commit": [info(commit), *file("a" * 40, "../../../outside")],
        "too-large": [info(commit), *file("a" * 40, size=2**63)],
        "redirects": [info(commit)] + [answer("307 Temporary Redirect", ["Location: /again"])] * 30,
        "no-files": [answer("404 Not Found", [])] * 3,
    }.items():
        put(f"hub/{name}.http", "\n----\n".join(parts))


snapshots()
tables()
parquets()
studies()
answers()
