"""Engines side by side, each on GPUs of its own (`parallel: {data, tensor}` in the recipe)."""

import os
from collections.abc import Sequence


def take_gpus(part: int, size: int) -> None:
    """Let this process see only the GPUs of the `part`-th engine, which needs `size` of them.

    Before anything here has used a GPU. Without GPUs nothing is done.
    """
    import torch

    if count := torch.cuda.device_count():
        named = os.environ.get("CUDA_VISIBLE_DEVICES")
        visible = named.split(",") if named else [str(number) for number in range(count)]
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(share(visible, part, size))


def share(visible: Sequence[str], part: int, size: int) -> Sequence[str]:
    """The GPUs of the `part`-th engine; where there are too few, some engines share theirs."""
    engines = max(1, len(visible) // size)
    first = part % engines * size
    return visible[first : first + size]
