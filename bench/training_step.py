"""The same training steps in PyTorch: the independent oracle and peer of bench/training_step.ts.

Reads a folder with step.json (shapes, rates) and raw float32 files. Writes the gradients of every batch at the start, in float32
and float64, and the weights after one step on each batch, as raw float32 files; prints a JSON document.

ReLU6 has no derivative at its corners, 0 and 6, but a set of them (the subdifferential), and rounding decides on which side of a
corner an activation lies that is nearer to it than float32 resolves. So float64 gives its gradients three times: with the sides
that it finds itself, and, where rounding decides, with our sides and with those of PyTorch's float32.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

folder = Path(sys.argv[1])
meta = json.loads((folder / "step.json").read_text())
torch.set_num_threads(meta["threads"])

Weights = dict[str, torch.Tensor]
Activation = Callable[[torch.Tensor], torch.Tensor]
Tuples = Sequence[torch.Tensor]  # each [query + positive + negatives, C, H, W]


def load(name: str, dims: list[int]) -> torch.Tensor:
    return torch.from_numpy(np.fromfile(folder / f"{name}.f32", dtype=np.float32).reshape(dims))


def save(name: str, tensor: torch.Tensor) -> None:
    tensor.detach().float().numpy().tofile(folder / f"{name}.f32")


@dataclass
class Sides:
    """What float64 took over from another computation."""

    changed: int = 0
    furthest: float = 0.0  # from a corner, of those
    reach: float = 0.0  # between the outputs of both, at most: what rounding decides is nearer to a corner


class Corners:
    """ReLU6 that keeps what it gives and takes the side of `other`'s outputs where rounding decides it."""

    def __init__(self, other: Sequence[torch.Tensor], sides: Sides) -> None:
        self.other, self.sides = other, sides
        self.given: list[torch.Tensor] = []

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        exact = x.detach()
        given, inside = exact.clamp(0, 6), is_inside(exact)
        if self.other:
            inside = inside ^ self.changed(exact, self.other[len(self.given)])
        self.given.append(given)
        return given + inside * (x - exact)  # x - exact is zero: it only carries the gradient

    def changed(self, exact: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        reach = (exact.clamp(0, 6) - other).abs().max()
        to_corner = torch.minimum(exact.abs(), (exact - 6).abs())
        changed = (is_inside(exact) != is_inside(other)) & (to_corner <= reach)
        self.sides.changed += int(changed.sum())
        self.sides.furthest = max(self.sides.furthest, float((to_corner * changed).max()))
        self.sides.reach = max(self.sides.reach, float(reach))
        return changed


def is_inside(x: torch.Tensor) -> torch.Tensor:
    return (x > 0) & (x < 6)


def block(x: torch.Tensor, weights: Weights, index: int, relu6: Activation) -> torch.Tensor:
    """An inverted residual block with folded normalisation."""

    def conv(y: torch.Tensor, layer: int, groups: int = 1) -> torch.Tensor:
        w, b = (weights[f"features.{index}.conv.{layer}.{kind}"] for kind in ("weight", "bias"))
        if groups > 1 and y.dtype == torch.float64:  # for which a convolution in groups takes seven times as long
            windows = F.pad(y, (1, 1, 1, 1)).unfold(2, 3, 1).unfold(3, 3, 1)
            return torch.einsum("nchwij,cij->nchw", windows, w[:, 0]) + b[:, None, None]
        return F.conv2d(y, w, b, padding=w.shape[-1] // 2, groups=groups)

    hidden = relu6(conv(x, 0))
    out = conv(relu6(conv(hidden, 3, groups=hidden.shape[1])), 6)
    return x + out if out.shape == x.shape else out


def describe(x: torch.Tensor, weights: Weights, relu6: Activation) -> torch.Tensor:
    for index in meta["blocks"]:
        x = block(x, weights, index, relu6)
    local = F.normalize(x.flatten(2).transpose(1, 2), dim=2)  # [n, L, C]
    assignment = (local @ weights["netvlad.weights"]).softmax(2)  # [n, L, K]
    residuals = assignment.transpose(1, 2) @ local - assignment.sum(1)[:, :, None] * weights["netvlad.centres"]
    return F.normalize(F.normalize(residuals, dim=2).flatten(1), dim=1)


def loss_of(tuples: Tuples, weights: Weights, relu6: Activation = F.relu6) -> tuple[torch.Tensor, torch.Tensor]:
    described = describe(torch.cat(tuples), weights, relu6).split([len(images) for images in tuples])
    hinges = [
        ((x[:1] - x[1:2]).square().sum(1) + meta["margin"] - (x[:1] - x[2:]).square().sum(1)).relu() for x in described
    ]
    hinge = torch.cat(hinges)
    return hinge.sum(), (hinge > 0).sum()


def save_gradients(kind: str, batch: int, dtype: torch.dtype, relu6: Activation) -> None:
    """Of the summed loss by every weight."""
    copies = {name: weight.detach().to(dtype).requires_grad_() for name, weight in weights.items()}
    loss_of([images.to(dtype) for images in batches[batch]], copies, relu6)[0].backward()
    for name, copy in copies.items():
        save(f"{name}.{kind}.{batch}", copy.grad)


def save_all_gradients(number: int, sides: dict[str, Sides]) -> int:
    """Of one batch; gives the number of its activations."""
    single, double = Corners([], Sides()), Corners([], Sides())
    save_gradients("single", number, torch.float32, single)
    save_gradients("double", number, torch.float64, double)
    ours = [load(f"clipped.{number}.{layer}", list(given.shape)) for layer, given in enumerate(double.given)]
    for name, other in (("ours", ours), ("single", single.given)):
        save_gradients(f"double_as_{name}", number, torch.float64, Corners(other, sides[name]))
    return sum(given.numel() for given in ours)


images = load("features", [-1, *meta["features"]])
batches = [batch.split(sizes) for batch, sizes in zip(images.split([sum(sizes) for sizes in meta["images"]]), meta["images"])]


def load_weights() -> Weights:
    return {name: load(name, of["dims"]).requires_grad_() for name, of in meta["weights"].items()}


def take_steps() -> dict[str, float]:
    """One on each batch, before the gradients as on the other side; saves the weights."""
    weights = load_weights()
    groups = [{"params": [weight], "lr": meta["weights"][name]["rate"]} for name, weight in weights.items()]
    optimizer = torch.optim.SGD(groups, momentum=meta["momentum"], weight_decay=meta["weightDecay"])
    result, times = {}, []
    for batch in batches:
        started = time.perf_counter()
        optimizer.zero_grad()
        loss, violating = loss_of(batch, weights)
        (loss / max(int(violating), 1)).backward()
        optimizer.step()
        times.append((time.perf_counter() - started) * 1000)
        result = result or {"loss": loss.item(), "violating": int(violating)}
    for name, weight in weights.items():
        save(f"{name}.after", weight)
    return result | {"medianMs": statistics.median(times)}


result = take_steps()
weights = load_weights()
sides = {"ours": Sides(), "single": Sides()}
result["activations"] = sum(save_all_gradients(number, sides) for number in range(len(batches)))
print(json.dumps(result | {name: vars(of) for name, of in sides.items()}))
