"""What the goldens of the families share: random weights, the batch, and everything that transformers computes from it.

A family's `generate.py` describes it by a `Family` and calls `write`, which makes in its folder:

  snapshot/             config.json, model.safetensors, tokenizer.json: the classifier with three labels
  base.safetensors      the encoder as transformers saves it without a head
  expected.safetensors  `hidden_states.N`: of the real tokens of all texts, end to end; `logits`; `loss`; `gradient.*` of
                        the loss; `final.*`: every parameter after five steps of AdamW; `variant.N.logits`; f32,
                        parameters by their Hugging Face names
  expected.json         texts with their token ids, labels, the five losses, learning rates and gradient norms, the fields
                        of each variant, and what f32 itself loses

A variant has other values of some fields of `config.json` and the same weights. Parameters whose true gradient is 0
(`rounding_noise_only`) are those of which a softmax sees no change: two correct programs differ there.
"""

import copy
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[3] / "finetune/tests/golden"))

import numpy
import recipe
import tiny_bert
import tokenizers
import torch
from safetensors.torch import load_file, save_file

LABELS, STEPS, PEAK, MAX_LENGTH = 3, 5, 1e-3, 36

# Two pairs; the last two are cut.
TEXTS = [
    ["A warm film, and the harbour scene is lovely.", None],
    ["", None],
    ["The plot?", "Never dull; the voice of the old actor is tender and the camera is calm."],
    ["Not bad!", "Better than most..."],
    ["They told it slowly, without music, but every little letter he had from the grey island was honest and. " * 3, None],
    ["rain, wind. " * 8, "The brave moon over the red river; a quiet lamp. " * 4],
]
TARGETS = [2, 0, 1, 2, 1, 0]

CORPUS = [text for pair in TEXTS for text in pair if text] + [
    "the moon was red over the river and the old lamp was never bright",
    "a sad song, a tender tale; clever and funny, short and still",
    "Unbreakable 2026 films! (He told her that she was young.)",
]


@dataclass
class Family:
    """A tiny checkpoint of a family."""

    folder: Path
    model: type
    config: object
    tokenizer: tokenizers.Tokenizer
    variants: list = field(default_factory=list)
    # The longest sequence, special tokens included.
    max_length: int = MAX_LENGTH
    # Whether transformers' tokenizer pads on the left.
    left: bool = False
    # Whether the model takes token types; by default if it has embeddings of them.
    token_types: bool = None
    # The attention of the run in double precision: an eager one may compute its softmax in single precision.
    exact: str = "eager"


def norms(model):
    """The names of the weights of normalisations."""
    layers = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, torch.nn.LayerNorm)]
    return {f"{name}.weight" for name, _ in layers}


def fill(model, seed):
    """Overwrites every parameter with reproducible values far from any default."""
    generator = numpy.random.Generator(numpy.random.PCG64(seed))
    of_norms = norms(model)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            if name in of_norms:
                mean, deviation = 0.8, 0.2
            elif name.endswith("bias"):
                mean, deviation = 0.0, 0.1
            elif "embed" in name:
                mean, deviation = 0.0, 0.5
            else:
                mean, deviation = 0.0, 0.25
            values = generator.normal(mean, deviation, tuple(parameter.shape)).astype(numpy.float32)
            parameter.copy_(torch.from_numpy(values))
    return model


def byte_level(special, single, pair, pair_types=(0, 0)):
    """A byte-level BPE tokenizer of the corpus, as RoBERTa's and ModernBERT's."""
    result = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token=special.get("unk")))
    result.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    result.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=330,
        special_tokens=special["all"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    result.train_from_iterator(CORPUS, trainer)
    return templated(result, special["all"], single, pair)


def unigram(special, unknown, single, pair):
    """A Unigram tokenizer of the corpus, as XLM-R's, XLNet's and DeBERTa-v3's.

    Its training is not deterministic: another run has another vocabulary, and with it other ids and other goldens.
    """
    result = tokenizers.Tokenizer(tokenizers.models.Unigram())
    result.normalizer = tokenizers.normalizers.NFKC()
    result.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    result.decoder = tokenizers.decoders.Metaspace()
    trainer = tokenizers.trainers.UnigramTrainer(
        vocab_size=160, special_tokens=special, unk_token=unknown, show_progress=False
    )
    result.train_from_iterator(CORPUS, trainer)
    return templated(result, special, single, pair)


def templated(tokenizer, special, single, pair):
    """With the special tokens around a sentence and a pair."""
    ids = [(token, tokenizer.token_to_id(token)) for token in special]
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(single=single, pair=pair, special_tokens=ids)
    return tokenizer


def encoded(tokenizer, max_length):
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length, strategy="longest_first")
    encodings = [tokenizer.encode(text, pair) for text, pair in TEXTS]
    lengths = [len(encoding.ids) for encoding in encodings]
    assert max(lengths) == max_length and min(lengths) == 2, lengths
    return encodings


def padded(family, encodings):
    """The batch as transformers takes it, and where its real tokens are."""
    longest = max(len(encoding.ids) for encoding in encodings)

    def rows(part, fill):
        result = []
        for encoding in encodings:
            values = list(part(encoding))
            padding = [fill] * (longest - len(values))
            result.append(padding + values if family.left else values + padding)
        return torch.tensor(result)

    batch = {
        "input_ids": rows(lambda e: e.ids, family.config.pad_token_id or 0),
        "attention_mask": rows(lambda e: [1] * len(e.ids), 0),
    }
    has_types = getattr(family.config, "type_vocab_size", 0) != 0
    if has_types if family.token_types is None else family.token_types:
        batch["token_type_ids"] = rows(lambda e: e.type_ids, 0)
    return batch


def loaded(family, config, dtype):
    attention = "eager" if dtype == torch.float32 else family.exact
    model = family.model._from_config(copy.deepcopy(config), attn_implementation=attention, dtype=torch.float32)
    model.load_state_dict(load_file(family.folder / "snapshot/model.safetensors"), strict=True)
    return model.eval().to(dtype)


def states(model, batch):
    """Every hidden state of the real tokens, end to end, and the logits."""
    with torch.no_grad():
        output = model(**batch, output_hidden_states=True)
    kept = batch["attention_mask"].bool()
    result = {f"hidden_states.{i}": state[kept] for i, state in enumerate(output.hidden_states)}
    return result | {"logits": output.logits}


def run(family, batch, dtype):
    targets = torch.tensor(TARGETS)
    model = loaded(family, family.config, dtype)
    loss = model(**batch, labels=targets).loss
    loss.backward()
    gradients = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model = loaded(family, family.config, dtype)
    # The labels move on by one in every step.
    batches = [batch | {"labels": (targets + step) % LABELS} for step in range(STEPS)]
    # As transformers' Trainer: neither the weights of normalisations nor biases decay.
    of_norms = norms(model)
    steps = recipe.train(model, batches, PEAK, lambda name: name in of_norms or name.endswith("bias"))
    return loss.item(), gradients, steps, {name: p.detach() for name, p in model.named_parameters()}


def write(family):
    folder = family.folder
    assert family.config.num_labels == LABELS
    assert family.config.vocab_size >= family.tokenizer.get_vocab_size(), family.tokenizer.get_vocab_size()
    shutil.rmtree(folder / "snapshot", ignore_errors=True)
    (folder / "snapshot").mkdir()
    model = family.model._from_config(copy.deepcopy(family.config), attn_implementation="eager", dtype=torch.float32)
    model = fill(model, seed=20220224).eval()
    model.save_pretrained(folder / "snapshot")
    with tempfile.TemporaryDirectory() as base:
        model.base_model.save_pretrained(base)
        shutil.copy(Path(base) / "model.safetensors", folder / "base.safetensors")
    encodings = encoded(family.tokenizer, family.max_length)
    family.tokenizer.no_truncation()
    family.tokenizer.save(str(folder / "snapshot/tokenizer.json"), pretty=False)

    batch = padded(family, encodings)
    loss, gradients, steps, final = run(family, batch, torch.float32)
    _, exact_gradients, exact_steps, exact_final = run(family, batch, torch.float64)
    noisy = sorted(name for name, gradient in exact_gradients.items() if 0 < gradient.abs().max() < 1e-12)
    small = [name for name in exact_gradients if name not in noisy and exact_gradients[name].abs().max() < 1e-4]
    assert not small, small

    tensors = states(loaded(family, family.config, torch.float32), batch) | {"loss": torch.tensor([loss])}
    tensors |= {f"gradient.{name}": gradient.contiguous() for name, gradient in gradients.items()}
    tensors |= {f"final.{name}": values.clone().contiguous() for name, values in final.items()}
    for number, fields in enumerate(family.variants):
        config = copy.deepcopy(family.config)
        for name, value in fields.items():
            # Past the checks of types: some checkpoints have null where transformers' class wants text.
            object.__setattr__(config, name, value)
        logits = states(loaded(family, config, torch.float32), batch)["logits"]
        assert (logits - tensors["logits"]).abs().max() > 1e-4, fields
        tensors[f"variant.{number}.logits"] = logits
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "expected.safetensors")

    start = dict(loaded(family, family.config, torch.float64).named_parameters())
    clean = [name for name in gradients if name not in noisy]
    update = lambda name: recipe.relative(final[name] - start[name], exact_final[name] - start[name])
    texts = [
        {"text": text, "pair": pair, "ids": encoding.ids, "type_ids": encoding.type_ids}
        for (text, pair), encoding in zip(TEXTS, encodings)
    ]
    tiny_bert.write_json(
        folder / "expected.json",
        {
            "max_length": family.max_length,
            "texts": texts,
            "labels": TARGETS,
            "settings": recipe.settings(PEAK),
            **steps,
            "variants": family.variants,
            "rounding_noise_only": noisy,
            "f32_against_f64": {
                "losses": recipe.worst_relative(steps["losses"], exact_steps["losses"]),
                "gradients": max(recipe.relative(gradients[n], exact_gradients[n]) for n in clean),
                "updates": max(update(n) for n in clean),
            },
        },
    )
    tiny_bert.write_versions(folder)
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(folder.name, total, "bytes", (folder / "expected.json").read_text().split("f32_against_f64")[1])
