"""The standard BERT recipe in PyTorch, as the goldens of this folder use it.

AdamW (eps 1e-8, decay 0.01 except on biases and LayerNorm weights), 10 % linear warm-up and then linear decay to 0, and
clipping of the global gradient norm at 1.0. Dropout is off, so that a run depends on nothing random.
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parents[3] / "encoders/tests/golden"))

import tiny_bert
import torch

NO_DECAY = ("bias", "LayerNorm.weight")
WEIGHT_DECAY = 0.01
EPSILON = 1e-8
BETAS = (0.9, 0.999)
WARMUP_RATIO = 0.1
MAX_NORM = 1.0


def own_loss(model, batch, step):
    """The loss that transformers computes."""
    return model(**batch).loss


def gradients(model, batch, loss_of=own_loss):
    """The loss of a batch and the gradient of every parameter, before clipping."""
    model.zero_grad()
    loss = loss_of(model, batch, 0)
    loss.backward()
    result = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    return loss.item(), result


def global_norm(tensors):
    """The Euclidean norm of all the tensors taken together."""
    return torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(tensor) for tensor in tensors])).item()


def train(
    model,
    batches,
    peak,
    no_decay=lambda name: name.endswith(NO_DECAY),
    loss_of=own_loss,
    stepped=lambda model, step: None,
):
    """Takes one step per batch; returns the loss, the rate and the gradient norm before clipping of each step."""
    named = list(model.named_parameters())
    groups = [
        {"params": [p for name, p in named if not no_decay(name)], "weight_decay": WEIGHT_DECAY},
        {"params": [p for name, p in named if no_decay(name)], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=peak, eps=EPSILON, betas=BETAS)
    total = len(batches)
    warm = int(total * WARMUP_RATIO)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: step / max(1, warm) if step < warm else max(0.0, (total - step) / max(1, total - warm)),
    )
    steps = {"losses": [], "learning_rates": [], "gradient_norms": []}
    for step, batch in enumerate(batches):
        loss = loss_of(model, batch, step)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
        steps["losses"].append(loss.item())
        steps["learning_rates"].append(schedule.get_last_lr()[0])
        steps["gradient_norms"].append(norm.item())
        optimizer.step(), schedule.step(), optimizer.zero_grad()
        stepped(model, step)
    return steps


def relative(ours, exact):
    """The distance of two tensors over the norm of the second."""
    return (torch.linalg.vector_norm(ours.double() - exact) / torch.linalg.vector_norm(exact)).item()


def worst_relative(ours, exact):
    """The largest relative difference between two lists of numbers."""
    return max(abs(a - b) / b for a, b in zip(ours, exact))


def settings(peak):
    """The recipe's settings, for the record."""
    return {
        "peak_learning_rate": peak,
        "weight_decay": WEIGHT_DECAY,
        "no_decay_suffixes": list(NO_DECAY),
        "epsilon": EPSILON,
        "betas": list(BETAS),
        "warmup_ratio": WARMUP_RATIO,
        "max_gradient_norm": MAX_NORM,
    }
