#!/usr/bin/env python3
"""PyTorch's rows in bench.sh, on a GPU if there is one.

  pytorch.py base MODEL OUT                                     a random snapshot of BERT-base's size, with MODEL's tokenizer
  pytorch.py steps MODEL STEPS BATCH LENGTH PRECISION MODE      time training steps; one JSON line

PRECISION is f32 or bf16 (autocast: parameters and optimizer stay f32), MODE is eager or compile. A step is what
glue_sst2 --bench-steps times: forward, backward, clipping at 1.0, AdamW (fused on a GPU), on full batches.
"""
import contextlib
import json
import shutil
import sys
import time

import torch
from transformers import AutoModelForSequenceClassification, BertConfig, BertForSequenceClassification

WARM_UP = 3


def base(model, out):
    torch.manual_seed(0)
    BertForSequenceClassification(BertConfig(num_labels=2)).save_pretrained(out)
    shutil.copy(f"{model}/tokenizer.json", out)


def steps(model, count, batch, length, precision, mode):
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(model, num_labels=2, dtype=torch.float32).to(device).train()
    no_decay = ("bias", "LayerNorm.weight")
    named = list(model.named_parameters())
    groups = [{"params": [q for n, q in named if n.endswith(no_decay) == bare], "weight_decay": decay}
              for bare, decay in ((False, 0.01), (True, 0.0))]
    optimizer = torch.optim.AdamW(groups, lr=2e-5, eps=1e-8, fused=device == "cuda")
    forward = torch.compile(model) if mode == "compile" else model
    cast = torch.autocast(device, torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    ids = torch.randint(model.config.vocab_size, (WARM_UP + count, batch, length))
    labels = torch.randint(0, 2, (WARM_UP + count, batch))
    for step in range(WARM_UP + count):
        if step == WARM_UP:
            wait()
            started = time.perf_counter()
        enc, y = ids[step].to(device), labels[step].to(device)
        with cast:
            loss = forward(input_ids=enc, attention_mask=torch.ones_like(enc), labels=y).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        loss.item()
    wait()
    seconds = time.perf_counter() - started
    print(json.dumps({"what": "train", "steps": count, "s_per_step": seconds / count,
                      "examples_per_s": count * batch / seconds, "torch": torch.__version__, "device": device}))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["base", model, out]:
            base(model, out)
        case ["steps", model, count, batch, length, precision, mode]:
            steps(model, int(count), int(batch), int(length), precision, mode)
        case _:
            sys.exit(__doc__)
