"""Makes the goldens of the methods that ask for more than a forward pass, from the formulas of their papers: R-Drop and its
control, R3F, SMART, HyPe, for classes and for scores, in PyTorch on the tiny checkpoints.

Run in an environment with torch and transformers: python3 generate.py

The head of one output is that of ../pair_scores/snapshot. Every draw is the one that finetune makes: the noise of the
methods, and, in the cases with dropout, the masks of every pass; there, attention has no dropout, so that no mask depends
on how attention is computed. Perturbations and weights are far larger than the published ones, so that every term counts.

  expected.safetensors  `batch.N.*`: the three batches; for each case `CASE/gradient.*`: of batch 0 at the checkpoint's
                        weights, before clipping; `CASE/final.*`: every parameter after three steps; `CASE/teacher.*`: the
                        teacher's then; f32, parameters by their Hugging Face names
  expected.json         settings; for each case its method, numbers, losses, learning rates and gradient norms, and what f32
                        itself loses
"""

import copy
import math
import struct
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent))

import chacha
import numpy
import recipe
import tiny_bert
import torch
from safetensors.torch import save_file
from transformers import BertForSequenceClassification

STEPS, ROWS, PEAK, SEED = 3, 5, 1e-3, 2**50 + 23
# The length of the run by which the teacher's decay changes: after one step.
RUN_STEPS, EARLY_STEPS = 15, 1
DROPOUT, THRESHOLD = 0.1, 6554  # in steps of 1/65536
SNAPSHOTS = {"classes": tiny_bert.SNAPSHOT, "scores": HERE.parent / "pair_scores" / "snapshot"}

R_DROP = {"r-drop.weight": 1.3}
R3F = {"r3f.epsilon": 0.3, "r3f.weight": 1.7}
ADVERSARY = {"smart.epsilon": 0.05, "smart.sigma": 0.04, "smart.step": 0.1, "smart.weight": 1.4}
PROXIMITY = {"smart.proximity": 2.1, "smart.early-decay": 0.6, "smart.decay": 0.9}
HYPE = {"hype.epsilon": 0.2}

# The arm, what it predicts, whether there is dropout, its numbers.
CASES = [
    ("two-passes", "classes", True, {}),
    ("r-drop", "classes", True, R_DROP),
    ("r-drop", "scores", True, R_DROP),
    ("r3f-uniform", "classes", False, R3F),
    ("r3f-normal", "scores", False, R3F),
    ("smart-adversarial", "classes", False, ADVERSARY),
    ("smart-proximal", "scores", False, PROXIMITY),
    ("smart", "classes", True, ADVERSARY | PROXIMITY),
    ("hype-uniform", "classes", False, HYPE),
    ("hype-normal", "scores", False, HYPE),
]


def batches():
    """Rows of unequal length, with a class and a score each."""
    generator = numpy.random.Generator(numpy.random.PCG64(17))
    result = []
    for _ in range(STEPS):
        batch = tiny_bert.random_batch(generator, ROWS, int(generator.integers(8, 12)))
        batch["classes"] = batch.pop("labels")
        batch["scores"] = torch.from_numpy(generator.uniform(0, 5, ROWS).astype(numpy.float32))
        result.append(batch)
    return result


def normal_pair(first, second):
    """Box-Muller on the midpoints of 2^32 cells."""
    first, second = ((word + 0.5) / 2**32 for word in (first, second))
    radius = math.sqrt(-2 * math.log(first))
    return radius * math.cos(2 * math.pi * second), radius * math.sin(2 * math.pi * second)


def noise(kind, name, scale, batch, index, width):
    """Draws for every number of every token, zero on padding; f32, as the program rounds them."""
    lengths = batch["attention_mask"].sum(1).tolist()
    result = torch.zeros(*batch["input_ids"].shape, width, dtype=torch.float64)
    for row, length in enumerate(lengths):
        count = length * width
        words = chacha.words(SEED, name, index, row, count + count % 2)
        if kind == "uniform":
            draws = [chacha.uniform(word) for word in words[:count]]
        else:
            pairs = [normal_pair(*words[i : i + 2]) for i in range(0, len(words), 2)]
            draws = [draw for pair in pairs for draw in pair][:count]
        result[row, :length] = torch.tensor(draws, dtype=torch.float64).reshape(length, width) * scale
    return result.float()


class Masks(torch.nn.Module):
    """Dropout at a site with the program's masks; `key` is the seed and the number of the pass."""

    def __init__(self, state, site, is_last_layer):
        super().__init__()
        self.state, self.site, self.is_last_layer = state, site, is_last_layer

    def forward(self, x):
        key = struct.pack("<QQI", SEED, self.state["pass"], self.site) + bytes(12)
        # The last layer is computed for the first tokens alone.
        shape = x[:, :1].shape if self.is_last_layer else x.shape
        kept = [chacha.kept(key, THRESHOLD, i) for i in range(math.prod(shape))]
        mask = torch.ones(x.shape, dtype=x.dtype)
        kept = torch.tensor(kept, dtype=x.dtype).reshape(shape)
        if self.is_last_layer:
            mask[:, :1] = kept
        else:
            mask = kept
        return x * mask * (65536 / (65536 - THRESHOLD))


class Objective:
    """The loss of a method, and what it keeps."""

    def __init__(self, model, method, target, has_dropout, numbers):
        self.method, self.target, self.numbers = method, target, numbers
        self.state = {"pass": 0}
        if has_dropout:
            self.put_masks(model)
        self.teacher = copy.deepcopy(model).requires_grad_(False) if "proximal" in method or method == "smart" else None
        if has_dropout and self.teacher is not None:
            self.put_masks(self.teacher)

    def put_masks(self, model):
        layers = model.bert.encoder.layer
        model.bert.embeddings.dropout = Masks(self.state, 0, False)
        for index, layer in enumerate(layers):
            is_last = index == len(layers) - 1
            # Sites 1 and 4 are those of attention.
            layer.attention.output.dropout = Masks(self.state, 3 * index + 2, is_last)
            layer.output.dropout = Masks(self.state, 3 * index + 3, is_last)
        model.dropout = Masks(self.state, 3 * len(layers) + 1, False)

    def outputs(self, model, batch, embedded=lambda e: e, hidden=lambda layer, h: h):
        """A pass with masks of its own; `embedded` changes the word embeddings, `hidden` the input of a layer."""
        self.state["pass"] = self.index | self.passed << 48
        self.passed += 1
        hooks = [model.bert.embeddings.word_embeddings.register_forward_hook(lambda m, i, output: embedded(output))]
        for index, layer in enumerate(model.bert.encoder.layer):
            change = lambda m, args, index=index: (hidden(index, args[0]), *args[1:])
            hooks.append(layer.register_forward_pre_hook(change))
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "token_type_ids")}
        logits = model(**inputs).logits
        for hook in hooks:
            hook.remove()
        return logits

    def task_loss(self, outputs, batch):
        if self.target == "classes":
            return torch.nn.functional.cross_entropy(outputs, batch["classes"])
        return torch.nn.functional.mse_loss(outputs[:, 0], batch["scores"].to(outputs.dtype))

    def divergence(self, a, b):
        """KL(p|q) + KL(q|p), or the squared difference, as a mean over the batch."""
        if self.target == "scores":
            return ((a - b) ** 2).mean()
        p, q = torch.softmax(a, 1), torch.softmax(b, 1)
        kl = lambda p, q: (p * (p.log() - q.log())).sum(1)
        return (kl(p, q) + kl(q, p)).mean()

    def __call__(self, model, batch, step):
        self.index, self.passed = step, 0
        kind = "normal" if self.method.endswith("normal") else "uniform"
        width = model.config.hidden_size
        draw = lambda name, scale, kind=kind: noise(kind, name, scale, batch, step, width).to(model.dtype)
        number = self.numbers.get
        if self.method.startswith("hype"):
            change = lambda layer, h: h + draw(f"{self.method}/{layer}", number("hype.epsilon"))
            return self.task_loss(self.outputs(model, batch, hidden=change), batch)
        clean = self.outputs(model, batch)
        if self.method in ("two-passes", "r-drop"):
            other = self.outputs(model, batch)
            loss = (self.task_loss(clean, batch) + self.task_loss(other, batch)) / 2
            share = 0.5 if self.target == "classes" else 1.0
            return loss + number("r-drop.weight", 0.0) * share * self.divergence(clean, other)
        loss = self.task_loss(clean, batch)
        if self.method.startswith("r3f"):
            u = draw(self.method, number("r3f.epsilon"))
            noisy = self.outputs(model, batch, lambda e: e.detach() + u)
            return loss + number("r3f.weight") * self.divergence(noisy, clean)
        if "smart.weight" in self.numbers:
            first = draw("smart", number("smart.sigma"), "normal").requires_grad_()
            inner = self.divergence(self.outputs(model, batch, lambda e: e + first), clean.detach())
            (g,) = torch.autograd.grad(inner, first)
            largest = g.abs().amax((1, 2), keepdim=True)
            epsilon = number("smart.epsilon")
            delta = (first.detach() + number("smart.step") * g / largest).clamp(-epsilon, epsilon)
            assert 0.2 < (delta.abs() < epsilon).double().mean(), "some are clipped, and some are not"
            attacked = self.outputs(model, batch, lambda e: e + delta)
            loss = loss + number("smart.weight") * self.divergence(attacked, clean)
        if self.teacher is not None:
            with torch.no_grad():
                taught = self.outputs(self.teacher, batch)
            loss = loss + number("smart.proximity") * self.divergence(clean, taught)
        return loss

    def stepped(self, model, step):
        if self.teacher is None:
            return
        beta = self.numbers["smart.early-decay" if step < EARLY_STEPS else "smart.decay"]
        with torch.no_grad():
            for teacher, parameter in zip(self.teacher.parameters(), model.parameters()):
                teacher.mul_(beta).add_((1 - beta) * parameter)


def checkpoint(target, dtype):
    model = BertForSequenceClassification.from_pretrained(
        SNAPSHOTS[target], attn_implementation="eager", dtype=torch.float32
    )
    return model.eval().to(dtype)


def run(dtype, data, case):
    method, target, has_dropout, numbers = case
    model = checkpoint(target, dtype)
    loss, gradients = recipe.gradients(model, data[0], Objective(model, method, target, has_dropout, numbers))
    model = checkpoint(target, dtype)
    objective = Objective(model, method, target, has_dropout, numbers)
    steps = recipe.train(model, data, PEAK, loss_of=objective, stepped=objective.stepped)
    final = {name: p.detach().clone() for name, p in model.named_parameters()}
    teacher = dict(objective.teacher.named_parameters()) if objective.teacher is not None else {}
    return loss, gradients, steps, final, teacher


def main():
    data = batches()
    tensors = {f"batch.{i}.{name}": tensor for i, batch in enumerate(data) for name, tensor in batch.items()}
    cases = []
    for case in CASES:
        method, target, has_dropout, numbers = case
        loss, gradients, steps, final, teacher = run(torch.float32, data, case)
        _, exact_gradients, exact_steps, exact_final, exact_teacher = run(torch.float64, data, case)
        assert loss == steps["losses"][0]
        name = f"{method}.{target}"
        for kind, found in [("gradient", gradients), ("final", final), ("teacher", teacher)]:
            tensors |= {f"{name}/{kind}.{parameter}": tensor.clone() for parameter, tensor in found.items()}
        noisy = [name for name in final if name.endswith("key.bias")]
        clean = [name for name in final if name not in noisy]
        start = dict(checkpoint(target, torch.float64).named_parameters())
        updates = lambda ours, exact: max(recipe.relative(ours[n] - start[n], exact[n] - start[n]) for n in clean)
        cases.append(
            {
                "name": name,
                "arm": method,
                "target": target,
                "has_dropout": has_dropout,
                "numbers": numbers,
                "gradient_loss": loss,
                **steps,
                "f32_against_f64": {
                    "losses": recipe.worst_relative(steps["losses"], exact_steps["losses"]),
                    "gradient_norms": recipe.worst_relative(steps["gradient_norms"], exact_steps["gradient_norms"]),
                    "gradients": max(recipe.relative(gradients[n], exact_gradients[n]) for n in clean),
                    "updates": updates(final, exact_final),
                    "teacher_updates": updates(teacher, exact_teacher) if teacher else 0.0,
                },
            }
        )
    save_file(tensors, HERE / "expected.safetensors")
    noisy = [name for name, _ in checkpoint("classes", torch.float32).named_parameters() if name.endswith("key.bias")]
    settings = recipe.settings(PEAK) | {"seed": SEED, "run_steps": RUN_STEPS}
    tiny_bert.write_json(
        HERE / "expected.json", {"settings": settings, "rounding_noise_only": noisy, "cases": cases}
    )
    tiny_bert.write_versions(HERE)


if __name__ == "__main__":
    main()
