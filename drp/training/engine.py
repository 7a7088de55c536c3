"""Updates of the weights in one process: AdamW, the norm of the gradient cut at 1."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import torch
from safetensors.torch import load_file, save_file

from drp.config import Sft
from drp.training.loss import SftLoss
from drp.training.packing import TensorBatch

NORM = 1.0
"""The gradient is scaled down to this norm."""
BETAS = (0.9, 0.999)
"""Of AdamW."""
_STATE = "state.safetensors"


class TrainingEngine(Protocol):
    """Processes that train together; each step's batches are dealt out among them."""

    rank: int
    processes: int

    def loss(self, batch: TensorBatch) -> torch.Tensor:
        """Summed loss of a batch, to go backward from; without gradients under `torch.no_grad`."""

    def train(self, is_training: bool) -> None:
        """Turn dropout on or off."""

    def backward(self, loss: torch.Tensor) -> None:
        """Add the gradient of `loss` to those of the step; they are summed over the processes."""

    def update(self, rate: float) -> float:
        """End the step: the gradient's norm, after which the weights moved if it is finite."""

    def total(self, *values: float) -> list[float]:
        """Each value, summed over the processes; waits for all of them, also where there is no value."""

    def save(self, folder: Path) -> None:
        """Write all that the next step depends on: weights, optimiser, random generators."""

    def resume(self, folder: Path) -> None:
        """Go on from what was saved there."""

    def gather(self) -> None:
        """After the last step: give the first process's model all weights that were trained."""


class SingleProcessEngine:
    """One process."""

    rank, processes = 0, 1

    def __init__(self, objective: SftLoss, settings: Sft) -> None:
        """Trains what of the model wants gradients."""
        self._objective = objective
        self._trained = {name: p for name, p in objective.model.named_parameters() if p.requires_grad}
        self._optimiser = torch.optim.AdamW(
            self._trained.values(), betas=BETAS, weight_decay=settings.weight_decay, fused=True
        )

    def loss(self, batch: TensorBatch) -> torch.Tensor:
        """See `Engine`."""
        return self._objective(batch)

    def train(self, is_training: bool) -> None:
        """See `Engine`."""
        self._objective.train(is_training)

    def backward(self, loss: torch.Tensor) -> None:
        """See `Engine`."""
        loss.backward()

    def update(self, rate: float) -> float:
        """See `Engine`."""
        norm = float(torch.nn.utils.clip_grad_norm_(self._trained.values(), NORM))
        if math.isfinite(norm):
            self._optimiser.param_groups[0]["lr"] = rate
            self._optimiser.step()
        self._optimiser.zero_grad()
        return norm

    def total(self, *values: float) -> list[float]:
        """See `Engine`."""
        return list(values)

    def save(self, folder: Path) -> None:
        """See `Engine`; the tensors are named `weight/NAME`, `exp_avg/NAME`, ..., `rng/DEVICE`."""
        state = {f"weight/{name}": weight.detach() for name, weight in self._trained.items()}
        for name, weight in self._trained.items():
            state |= {f"{kind}/{name}": value for kind, value in self._optimiser.state[weight].items()}
        save_file(state | generators(), folder / _STATE)

    def resume(self, folder: Path) -> None:
        """See `Engine`."""
        state = load_file(folder / _STATE)
        kinds = {name.partition("/")[0] for name in state} - {"weight", "rng"}
        for name, weight in self._trained.items():
            weight.data.copy_(state[f"weight/{name}"])
            moments = {kind: state[f"{kind}/{name}"] for kind in kinds if f"{kind}/{name}" in state}
            self._optimiser.state[weight] = {k: value.to(weight.device) for k, value in moments.items()}
        set_generators(state)

    def gather(self) -> None:
        """See `Engine`."""


def generators() -> dict[str, torch.Tensor]:
    """States of the random generators that this process draws from, as `rng/DEVICE`."""
    states = {"rng/cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["rng/cuda"] = torch.cuda.get_rng_state()
    return states


def set_generators(states: Mapping[str, torch.Tensor]) -> None:
    """Put the random generators back into such states."""
    torch.set_rng_state(states["rng/cpu"])
    if "rng/cuda" in states:
        torch.cuda.set_rng_state(states["rng/cuda"])
