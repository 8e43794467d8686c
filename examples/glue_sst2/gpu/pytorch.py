#!/usr/bin/env python3
"""PyTorch's rows in bench.sh, all in one process, on a GPU if there is one.

  pytorch.py FILE STEPS PRECISION,... MODE,... MODEL:BATCH:LENGTH...     time training steps; a JSON line each, added to FILE

PRECISION is f32, tf32 (f32 whose products may be TF32, which CubeCL takes on its own) or bf16 (autocast: parameters and
optimizer stay f32). MODE is eager or compile. A step is what glue_sst2 --bench-steps times: forward, backward, clipping
at 1.0, AdamW (fused on a GPU), on full batches. A row that fails costs that row.
"""
import contextlib
import json
import os
import sys
import time

import torch
from transformers import AutoModelForSequenceClassification

WARM_UP = 10
BATCHES = 8


def steps(model, count, batch, length, precision, mode):
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(0)
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    model = AutoModelForSequenceClassification.from_pretrained(model, num_labels=2, dtype=torch.float32).to(device).train()
    no_decay = ("bias", "LayerNorm.weight")
    named = list(model.named_parameters())
    groups = [{"params": [q for n, q in named if n.endswith(no_decay) == bare], "weight_decay": decay}
              for bare, decay in ((False, 0.01), (True, 0.0))]
    optimizer = torch.optim.AdamW(groups, lr=2e-5, eps=1e-8, fused=True)
    forward = torch.compile(model) if mode == "compile" else model
    cast = torch.autocast(device, torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    ids = torch.randint(model.config.vocab_size, (BATCHES, batch, length))
    labels = torch.randint(0, 2, (BATCHES, batch))
    warm_up = min(WARM_UP, count)
    for step in range(warm_up + count):
        if step == warm_up:
            wait()
            started = time.perf_counter()
        enc, y = ids[step % BATCHES].to(device), labels[step % BATCHES].to(device)
        with cast:
            loss = forward(input_ids=enc, attention_mask=torch.ones_like(enc), labels=y).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        loss.item()
    wait()
    seconds = time.perf_counter() - started
    peak = torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else None
    return {"what": "train", "steps": count, "s_per_step": seconds / count, "examples_per_s": count * batch / seconds,
            "peak_device_mib": peak, "torch": torch.__version__, "device": device}


def main(path, count, precisions, modes, places):
    failed = False
    for place in places:
        model, batch, length = place.rsplit(":", 2)
        for mode in modes.split(","):
            for precision in precisions.split(","):
                of = {"model": os.path.basename(model), "batch": batch, "length": length, "by": f"PyTorch {mode}",
                      "precision": precision}
                try:
                    line = json.dumps(of | steps(model, int(count), int(batch), int(length), precision, mode))
                except Exception as error:
                    print(f"{of}: {error!r}", file=sys.stderr)
                    failed = True
                    continue
                print(line, flush=True)
                with open(path, "a", encoding="utf-8") as file:
                    file.write(line + "\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    if len(sys.argv) < 6:
        sys.exit(__doc__)
    main(*sys.argv[1:5], sys.argv[5:])
