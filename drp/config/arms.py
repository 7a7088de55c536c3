"""The arms of a training run that take part in the comparison but are not trained."""

from typing import Literal

BASE: Literal["base"] = "base"
"""The student before this training."""
CHAMPION: Literal["champion"] = "champion"
"""The checkpoint in use."""
ORIGINAL: Literal["original"] = "original"
"""The student before its first training, where the base is a checkpoint of it (`small@champion`)."""
UNTRAINED = (BASE, CHAMPION, ORIGINAL)
"""The three of them."""
