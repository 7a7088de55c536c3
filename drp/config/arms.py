"""The arms of a training run that are compared and not trained."""

from typing import Literal

BASE: Literal["base"] = "base"
"""The student as it is."""
CHAMPION: Literal["champion"] = "champion"
"""The checkpoint that is in use."""
