"""The tiny BERT checkpoint that the goldens share: its configuration, vocabulary and weights, all invented here.

Weights come from NumPy's PCG64 rather than from torch, so that they stay the same from one torch release to the next.
No parameter has the value a fresh module would give it (a LayerNorm weight is not 1, a bias is not 0, the [PAD] row is
not 0): a tensor that is loaded into the wrong place, or not at all, changes the output.
"""

import json
import os
import platform
import re
import string
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy
import safetensors
import tokenizers
import torch
import transformers
from transformers import BertConfig, BertForSequenceClassification

SNAPSHOT = Path(__file__).parent / "tiny" / "snapshot"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = """a an and as at be but by for from had he her his in is it its not of on or she so that the they this to was
we with you all dull film good great lovely never plot slow song story warm watch actor bad better between brave bright
calm camera clever dark enough ever every fine funny ghost grey harbour heart hollow honest island kind lamp late letter
light little long loud low moon more most much music neither new nor north old once only open over paper quiet rain red
river sad scene sea short still tale tender than there thin time told too under until very voice while wind winter
without young""".split()
SUFFIXES = ["##ed", "##er", "##est", "##ing", "##ly", "##ness", "##re"]

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
torch.set_num_threads(2)
torch.use_deterministic_algorithms(True)


def vocabulary():
    """Special tokens, the printable ASCII signs alone and (letters and digits) inside a word, words and suffixes."""
    letters = list(string.ascii_lowercase + string.digits)
    inner = ["##" + sign for sign in letters]
    words = [word for word in WORDS if word not in letters]
    tokens = SPECIAL + list(string.punctuation) + letters + inner + words + SUFFIXES
    assert len(tokens) == len(set(tokens))
    return tokens


def config():
    """Every size differs from every other where the architecture allows it, so that a transposed shape cannot pass."""
    return BertConfig(
        vocab_size=len(vocabulary()),
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=40,
        max_position_embeddings=48,
        type_vocab_size=2,
        layer_norm_eps=1e-12,
        num_labels=2,
    )


def fill(model, seed):
    """Overwrites every parameter with reproducible values far from any default."""
    generator = numpy.random.Generator(numpy.random.PCG64(seed))
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            if name.endswith("LayerNorm.weight"):
                mean, deviation = 0.8, 0.2
            elif name.endswith("bias"):
                mean, deviation = 0.0, 0.1
            elif "embeddings" in name:
                mean, deviation = 0.0, 0.5
            else:
                mean, deviation = 0.0, 0.25
            values = generator.normal(mean, deviation, tuple(parameter.shape)).astype(numpy.float32)
            parameter.copy_(torch.from_numpy(values))
    return model


def classifier():
    """The tiny checkpoint as a sequence classifier, in evaluation mode, with the plain attention formula."""
    model = BertForSequenceClassification._from_config(config(), attn_implementation="eager", dtype=torch.float32)
    return fill(model, seed=20220224).eval()


def minilm_head():
    """A fixed classification head for all-MiniLM-L6-v2, whose checkpoint has none."""
    generator = numpy.random.Generator(numpy.random.PCG64(384))
    weight, bias = generator.normal(0.0, 0.1, (2, 384)), generator.normal(0.0, 0.1, 2)
    head = {"classifier.weight": weight, "classifier.bias": bias}
    return {name: torch.from_numpy(values.astype(numpy.float32)) for name, values in head.items()}


def tokenizer():
    """A WordPiece tokenizer as bert-base-uncased has it.

    Like all-MiniLM-L6-v2's, the file asks for truncation and for padding to a fixed length; a caller who pads to the
    longest of a batch has to switch both off.
    """
    tokens = vocabulary()
    ids = {token: index for index, token in enumerate(tokens)}
    result = tokenizers.Tokenizer(tokenizers.models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    result.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    result.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    result.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
    )
    result.decoder = tokenizers.decoders.WordPiece(prefix="##")
    result.add_special_tokens(SPECIAL)
    result.enable_truncation(max_length=32)
    result.enable_padding(length=32, pad_id=ids["[PAD]"], pad_token="[PAD]")
    return result


def random_batch(generator, rows, longest):
    """Token ids, masks, token types and labels: rows of unequal length, every second one a sentence pair."""
    tokens = vocabulary()
    cls, sep = tokens.index("[CLS]"), tokens.index("[SEP]")
    ids = numpy.zeros((rows, longest), dtype=numpy.int64)
    mask, types = numpy.zeros_like(ids), numpy.zeros_like(ids)
    for row in range(rows):
        length = longest if row == 0 else int(generator.integers(4, longest + 1))
        ids[row, :length] = generator.integers(len(SPECIAL), len(tokens), length)
        ids[row, 0], ids[row, length - 1] = cls, sep
        mask[row, :length] = 1
        if row % 2 == 1 and length >= 5:
            middle = int(generator.integers(2, length - 2))
            ids[row, middle] = sep
            types[row, middle + 1 : length] = 1
    labels = generator.integers(0, 2, rows)
    batch = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types, "labels": labels}
    return {name: torch.from_numpy(values) for name, values in batch.items()}


def write_versions(folder):
    """Records what made the files of a folder."""
    versions = {
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
        "safetensors": safetensors.__version__,
    }
    write_json(Path(folder) / "versions.json", versions)


def write_json(path, value):
    """Writes indented ASCII JSON that ends in a line feed, lists of numbers on one line."""
    on_one_line = lambda numbers: "[" + ", ".join(numbers[0][1:-1].replace(",", " ").split()) + "]"
    text = re.sub(r"\[[-+0-9.e,\s]+\]", on_one_line, json.dumps(value, indent=1))
    Path(path).write_text(text + "\n", encoding="ascii")
