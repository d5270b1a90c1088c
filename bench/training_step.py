"""The same training steps in PyTorch: the independent oracle and peer of bench/training_step.ts.

Reads a folder with step.json (shapes, rates) and raw float32 files. Writes the gradients of every batch at the start, in float32
and float64, and the weights after one step on each batch, as raw float32 files; prints a JSON document.
"""

import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

folder = Path(sys.argv[1])
meta = json.loads((folder / "step.json").read_text())
torch.set_num_threads(meta["threads"])

Weights = dict[str, torch.Tensor]
Tuples = Sequence[torch.Tensor]  # each [query + positive + negatives, C, H, W]


def load(name: str, dims: list[int]) -> torch.Tensor:
    return torch.from_numpy(np.fromfile(folder / f"{name}.f32", dtype=np.float32).reshape(dims))


def save(name: str, tensor: torch.Tensor) -> None:
    tensor.detach().float().numpy().tofile(folder / f"{name}.f32")


activations: list[torch.Tensor] = []  # before ReLU6, while they are listened to


def relu6(x: torch.Tensor) -> torch.Tensor:
    if listening:
        activations.append(x.detach())
    return F.relu6(x)


def block(x: torch.Tensor, weights: Weights, index: int) -> torch.Tensor:
    """An inverted residual block with folded normalisation."""

    def conv(y: torch.Tensor, layer: int, groups: int = 1) -> torch.Tensor:
        w, b = (weights[f"features.{index}.conv.{layer}.{kind}"] for kind in ("weight", "bias"))
        return F.conv2d(y, w, b, padding=w.shape[-1] // 2, groups=groups)

    hidden = relu6(conv(x, 0))
    out = conv(relu6(conv(hidden, 3, groups=hidden.shape[1])), 6)
    return x + out if out.shape == x.shape else out


def describe(x: torch.Tensor, weights: Weights) -> torch.Tensor:
    for index in meta["blocks"]:
        x = block(x, weights, index)
    local = F.normalize(x.flatten(2).transpose(1, 2), dim=2)  # [n, L, C]
    assignment = (local @ weights["netvlad.weights"]).softmax(2)  # [n, L, K]
    residuals = assignment.transpose(1, 2) @ local - assignment.sum(1)[:, :, None] * weights["netvlad.centres"]
    return F.normalize(F.normalize(residuals, dim=2).flatten(1), dim=1)


def loss_of(tuples: Tuples, weights: Weights) -> tuple[torch.Tensor, torch.Tensor]:
    described = describe(torch.cat(tuples), weights).split([len(images) for images in tuples])
    hinges = [
        ((x[:1] - x[1:2]).square().sum(1) + meta["margin"] - (x[:1] - x[2:]).square().sum(1)).relu() for x in described
    ]
    hinge = torch.cat(hinges)
    return hinge.sum(), (hinge > 0).sum()


def gradients_of(tuples: Tuples, dtype: torch.dtype) -> tuple[Weights, list[torch.Tensor]]:
    """Of the summed loss by every weight; and what went into ReLU6."""
    activations.clear()
    copies = {name: weight.detach().to(dtype).requires_grad_() for name, weight in weights.items()}
    loss_of([images.to(dtype) for images in tuples], copies)[0].backward()
    return {name: copy.grad for name, copy in copies.items()}, list(activations)


weights: Weights = {name: load(name, of["dims"]).requires_grad_() for name, of in meta["weights"].items()}
images = load("features", [-1, *meta["features"]])
batches = [batch.split(sizes) for batch, sizes in zip(images.split([sum(sizes) for sizes in meta["images"]]), meta["images"])]
result = {"activations": 0, "atCorner": 0, "flipped": 0}

listening = True
for number, batch in enumerate(batches):
    singles, before = gradients_of(batch, torch.float32)
    doubles, before64 = gradients_of(batch, torch.float64)
    for name in weights:
        save(f"{name}.gradient.{number}", singles[name])
        save(f"{name}.gradient64.{number}", doubles[name])
    for x, exact in zip(before, before64):
        result["activations"] += exact.numel()
        result["atCorner"] += int(((exact.abs() < 1e-6) | ((exact - 6).abs() < 1e-6)).sum())
        result["flipped"] += int((((x > 0) & (x < 6)) != ((exact > 0) & (exact < 6))).sum())
listening = False
activations.clear()

groups = [{"params": [weight], "lr": meta["weights"][name]["rate"]} for name, weight in weights.items()]
optimizer = torch.optim.SGD(groups, momentum=meta["momentum"], weight_decay=meta["weightDecay"])
times = []
for number, batch in enumerate(batches):
    started = time.perf_counter()
    optimizer.zero_grad()
    loss, violating = loss_of(batch, weights)
    (loss / max(int(violating), 1)).backward()
    optimizer.step()
    times.append((time.perf_counter() - started) * 1000)
    if number == 0:
        result |= {"loss": loss.item(), "violating": int(violating)}
for name, weight in weights.items():
    save(f"{name}.after", weight)
print(json.dumps(result | {"medianMs": statistics.median(times)}))
