"""The arms of a training run that take part in the comparison but are not trained."""

from typing import Literal

BASE: Literal["base"] = "base"
"""The student before any training."""
CHAMPION: Literal["champion"] = "champion"
"""The checkpoint in use."""
