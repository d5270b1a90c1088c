"""The same training steps in PyTorch: the independent oracle and peer of bench/training_step.ts.

Reads a folder with step.json (shapes, rates) and raw float32 files; writes the first step's gradients and the weights after
all steps as raw float32 files, prints the median milliseconds of a step.
"""

import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

folder = Path(sys.argv[1])
meta = json.loads((folder / "step.json").read_text())
torch.set_num_threads(meta["threads"])


def load(name: str, dims: list[int]) -> torch.Tensor:
    return torch.from_numpy(np.fromfile(folder / f"{name}.f32", dtype=np.float32).reshape(dims))


Weights = dict[str, torch.Tensor]
weights: Weights = {name: load(name, of["dims"]).requires_grad_() for name, of in meta["weights"].items()}
features = load("features", meta["features"])  # [steps, tuples, query + positive + negatives, C, H, W]


def block(x: torch.Tensor, weights: Weights, index: int) -> torch.Tensor:
    """An inverted residual block with folded normalisation."""

    def conv(y: torch.Tensor, layer: int, groups: int = 1) -> torch.Tensor:
        w, b = (weights[f"features.{index}.conv.{layer}.{kind}"] for kind in ("weight", "bias"))
        return F.conv2d(y, w, b, padding=w.shape[-1] // 2, groups=groups)

    hidden = F.relu6(conv(x, 0))
    out = conv(F.relu6(conv(hidden, 3, groups=hidden.shape[1])), 6)
    return x + out if out.shape == x.shape else out


def describe(x: torch.Tensor, weights: Weights) -> torch.Tensor:
    for index in meta["blocks"]:
        x = block(x, weights, index)
    local = F.normalize(x.flatten(2).transpose(1, 2), dim=2)  # [n, L, C]
    assignment = (local @ weights["netvlad.weights"]).softmax(2)  # [n, L, K]
    residuals = assignment.transpose(1, 2) @ local - assignment.sum(1)[:, :, None] * weights["netvlad.centres"]
    return F.normalize(F.normalize(residuals, dim=2).flatten(1), dim=1)


def loss_of(batch: torch.Tensor, weights: Weights) -> tuple[torch.Tensor, torch.Tensor]:
    x = describe(batch.flatten(0, 1), weights).unflatten(0, batch.shape[:2])
    q, p, n = x[:, :1], x[:, 1:2], x[:, 2:]
    hinge = ((q - p).square().sum(2) + meta["margin"] - (q - n).square().sum(2)).relu()
    return hinge.sum(), (hinge > 0).sum()


doubles = {name: weight.detach().double().requires_grad_() for name, weight in weights.items()}
loss_of(features[0].double(), doubles)[0].backward()
for name, weight in doubles.items():
    weight.grad.float().numpy().tofile(folder / f"{name}.torch-gradient64.f32")

groups = [{"params": [weight], "lr": meta["weights"][name]["rate"]} for name, weight in weights.items()]
optimizer = torch.optim.SGD(groups, momentum=meta["momentum"], weight_decay=meta["weightDecay"])
times = []
for step, batch in enumerate(features):
    started = time.perf_counter()
    optimizer.zero_grad()
    loss, violating = loss_of(batch, weights)
    divisor = max(int(violating), 1)
    (loss / divisor).backward()
    if step == 0:
        for name, weight in weights.items():
            (weight.grad * divisor).numpy().tofile(folder / f"{name}.torch-gradient.f32")
        print(json.dumps({"loss": loss.item(), "violating": int(violating)}))
    optimizer.step()
    times.append((time.perf_counter() - started) * 1000)
for name, weight in weights.items():
    weight.detach().numpy().tofile(folder / f"{name}.torch-weights.f32")
print(json.dumps({"medianMs": statistics.median(times[2:])}))
