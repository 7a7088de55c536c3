"""The interface of a training engine, and the engine for a single process.

Both engines use AdamW and clip the gradient norm at 1.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import torch
from safetensors.torch import load_file, save_file

from drp.config import Sft
from drp.training.cross_entropy import SftLoss
from drp.training.sequence_packing import TensorBatch

MAX_GRADIENT_NORM = 1.0
"""Gradients with a larger norm are scaled down to it."""
BETAS = (0.9, 0.999)
"""AdamW's decay rates of the moment estimates."""
_STATE = "state.safetensors"


class TrainingEngine(Protocol):
    """One process of a training; the batches of each step are distributed among the processes."""

    rank: int
    processes: int

    def loss(self, batch: TensorBatch) -> torch.Tensor:
        """Return the summed loss of a batch, with a graph for `backward` unless under `torch.no_grad`."""

    def train(self, is_training: bool) -> None:
        """Switch between training and evaluation mode (dropout)."""

    def backward(self, loss: torch.Tensor) -> None:
        """Accumulate the gradient of `loss` for this step. Gradients are summed over the processes."""

    def update(self, rate: float) -> float:
        """End the step and return the gradient norm. The weights are updated only if it is finite."""

    def total(self, *values: float) -> list[float]:
        """Return each value summed over the processes. Without values it is a barrier."""

    def save(self, folder: Path) -> None:
        """Write everything that the next step depends on: weights, optimiser state, random state."""

    def resume(self, folder: Path) -> None:
        """Restore what `save` wrote to `folder`."""

    def gather(self) -> None:
        """After the last step, collect all trained weights in the model of rank 0."""


class SingleProcessEngine:
    """A training in a single process; see `TrainingEngine`."""

    rank, processes = 0, 1

    def __init__(self, objective: SftLoss, settings: Sft) -> None:
        """Train all parameters that require gradients."""
        self._objective = objective
        self._trained = {name: p for name, p in objective.model.named_parameters() if p.requires_grad}
        self._optimiser = torch.optim.AdamW(
            self._trained.values(), betas=BETAS, weight_decay=settings.weight_decay, fused=True
        )

    def loss(self, batch: TensorBatch) -> torch.Tensor:
        """See `TrainingEngine`."""
        return self._objective(batch)

    def train(self, is_training: bool) -> None:
        """See `TrainingEngine`."""
        self._objective.train(is_training)

    def backward(self, loss: torch.Tensor) -> None:
        """See `TrainingEngine`."""
        loss.backward()

    def update(self, rate: float) -> float:
        """See `TrainingEngine`."""
        norm = float(torch.nn.utils.clip_grad_norm_(self._trained.values(), MAX_GRADIENT_NORM))
        if math.isfinite(norm):
            self._optimiser.param_groups[0]["lr"] = rate
            self._optimiser.step()
        self._optimiser.zero_grad()
        return norm

    def total(self, *values: float) -> list[float]:
        """See `TrainingEngine`."""
        return list(values)

    def save(self, folder: Path) -> None:
        """See `TrainingEngine`. Tensors are named `weight/NAME`, `exp_avg/NAME`, ..., `rng/DEVICE`."""
        state = {f"weight/{name}": weight.detach() for name, weight in self._trained.items()}
        for name, weight in self._trained.items():
            state |= {f"{kind}/{name}": value for kind, value in self._optimiser.state[weight].items()}
        save_file(state | rng_states(), folder / _STATE)

    def resume(self, folder: Path) -> None:
        """See `TrainingEngine`."""
        state = load_file(folder / _STATE)
        kinds = {name.partition("/")[0] for name in state} - {"weight", "rng"}
        for name, weight in self._trained.items():
            weight.data.copy_(state[f"weight/{name}"])
            moments = {kind: state[f"{kind}/{name}"] for kind in kinds if f"{kind}/{name}" in state}
            self._optimiser.state[weight] = {k: value.to(weight.device) for k, value in moments.items()}
        restore_rng_states(state)

    def gather(self) -> None:
        """See `TrainingEngine`."""


def rng_states() -> dict[str, torch.Tensor]:
    """Return the states of this process's random generators, by `rng/DEVICE`."""
    states = {"rng/cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["rng/cuda"] = torch.cuda.get_rng_state()
    return states


def restore_rng_states(states: Mapping[str, torch.Tensor]) -> None:
    """Restore the random generators from what `rng_states` returned."""
    torch.set_rng_state(states["rng/cpu"])
    if "rng/cuda" in states:
        torch.cuda.set_rng_state(states["rng/cuda"])
