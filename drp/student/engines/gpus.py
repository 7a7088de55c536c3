"""Assign GPUs to engines that run in parallel (`parallel: {data, tensor}` in the recipe)."""

import os
from collections.abc import Sequence


def take_gpus(part: int, size: int) -> None:
    """Restrict this process to the GPUs of the `part`-th engine, which needs `size` of them.

    Call it before anything in the process uses a GPU. Without GPUs it does nothing.
    """
    import torch

    if count := torch.cuda.device_count():
        configured = os.environ.get("CUDA_VISIBLE_DEVICES")
        visible = configured.split(",") if configured else [str(number) for number in range(count)]
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(share(visible, part, size))


def share(visible: Sequence[str], part: int, size: int) -> Sequence[str]:
    """Return the GPUs of the `part`-th engine; if there are too few, engines share them."""
    engines = max(1, len(visible) // size)
    first = part % engines * size
    return visible[first : first + size]
