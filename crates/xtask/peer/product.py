"""How fast PyTorch multiplies two matrices of 2048 × 2048 in single precision: GFLOP/s, the best of 20.

    OMP_NUM_THREADS=2 python product.py
"""

import time

import torch

SIZE = 2048
a, b = torch.randn(SIZE, SIZE), torch.randn(SIZE, SIZE)
seconds = []
for _ in range(20):
    start = time.perf_counter()
    a @ b
    seconds.append(time.perf_counter() - start)
print(f"{2 * SIZE**3 / min(seconds) / 1e9:.0f}")
