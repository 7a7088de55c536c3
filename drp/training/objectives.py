"""What an objective is: its settings in a recipe, and its loss. Needs no torch until the loss is made.

A package adds an objective as an entry point of the group `drp.objectives`; its value is an `Objective`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from drp.config import Sft


@dataclass(frozen=True)
class Objective:
    """Settings and loss of one objective."""

    settings: type[Sft]
    """Model of the recipe's section `training`; its field `objective` holds the objective's name."""
    loss: Callable[..., Any]
    """`loss(model, precision)` makes a torch module that turns a `TensorBatch` into its summed loss."""


def _sft_loss(model: Any, precision: Any) -> Any:
    from drp.training.loss import SftLoss

    return SftLoss(model, precision)


SFT = Objective(Sft, _sft_loss)
"""Supervised fine-tuning (paper, section 3.3)."""
