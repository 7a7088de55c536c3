"""Training objectives: the settings in a recipe and the loss. Needs no torch until a loss is created.

Packages add objectives as entry points of the group `drp.objectives`. The value is an `Objective`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from drp.config import Sft


@dataclass(frozen=True)
class Objective:
    """The settings and the loss of an objective."""

    settings: type[Sft]
    """Pydantic model of the recipe's section `training`. Its field `objective` holds the objective's name."""
    loss: Callable[..., Any]
    """`loss(model, precision)` returns a torch module that maps a `TensorBatch` to its summed loss."""


def _sft_loss(model: Any, precision: Any) -> Any:
    from drp.training.cross_entropy import SftLoss

    return SftLoss(model, precision)


SFT = Objective(Sft, _sft_loss)
"""Supervised fine-tuning (paper, section 3.3)."""
