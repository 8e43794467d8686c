"""Makes the golden of RecAdam: the formula of Chen et al. (2020, arXiv:2004.12651), algorithm 1, in PyTorch, f64.

    python3 generate.py

Two tensors of a body and two of a fresh head, eight steps, gradients drawn at random; the learning rate changes from
step to step. Weight decay is decoupled and not annealed, as in the authors' program; biases do not decay.
"""

import json
from pathlib import Path

import torch

STEPS = 8
BETAS, EPSILON, DECAY = (0.9, 0.999), 1e-8, 0.01
PULL, SLOPE, MIDPOINT = 5000.0, 0.7, 4.0
SHAPES = {"body.weight": (5, 3), "body.bias": (3,), "head.weight": (3, 2), "head.bias": (2,)}


def main():
    generator = torch.Generator().manual_seed(11)
    draw = lambda shape: torch.randn(shape, generator=generator, dtype=torch.float64).float().double()
    start = {name: draw(shape) for name, shape in SHAPES.items()}
    gradients = [{name: draw(shape) for name, shape in SHAPES.items()} for _ in range(STEPS)]
    rates = [2e-5 * (step + 1) for step in range(STEPS)]
    parameters = {name: value.clone() for name, value in start.items()}
    first = {name: torch.zeros_like(value) for name, value in start.items()}
    second = {name: torch.zeros_like(value) for name, value in start.items()}
    annealing = []
    for step in range(1, STEPS + 1):
        rate = rates[step - 1]
        weight = 1 / (1 + torch.exp(torch.tensor(-SLOPE * (step - MIDPOINT), dtype=torch.float64))).item()
        annealing.append(weight)
        for name, theta in parameters.items():
            gradient = gradients[step - 1][name]
            first[name] = BETAS[0] * first[name] + (1 - BETAS[0]) * gradient
            second[name] = BETAS[1] * second[name] + (1 - BETAS[1]) * gradient**2
            adam = (first[name] / (1 - BETAS[0] ** step)) / ((second[name] / (1 - BETAS[1] ** step)).sqrt() + EPSILON)
            target = weight if name.startswith("body") else 1.0
            decay = 0.0 if name.endswith("bias") else DECAY
            # The quadratic penalty's gradient is PULL (theta - theta*).
            parameters[name] = (
                theta - rate * decay * theta - rate * (target * adam + (1 - target) * PULL * (theta - start[name]))
            )
    flat = lambda tensors: {name: value.flatten().tolist() for name, value in tensors.items()}
    golden = {
        "torch": torch.__version__,
        "betas": BETAS,
        "epsilon": EPSILON,
        "weight_decay": DECAY,
        "pull": PULL,
        "slope": SLOPE,
        "midpoint": MIDPOINT,
        "learning_rates": rates,
        "annealing": annealing,
        "start": flat(start),
        "gradients": [flat(step) for step in gradients],
        "end": flat(parameters),
    }
    path = Path(__file__).with_name("golden.json")
    path.write_text(json.dumps(golden) + "\n")


main()
