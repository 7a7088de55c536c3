"""Plan the training steps, and arrange their examples in tensors.

The plan of the whole training is computed up front from the lengths and the seed alone. Every process
computes the same plan, and a saved state only needs the number of the step.
"""

import random
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import torch

from drp.config import Sft
from drp.training.encode import Encoded

BatchIndices: TypeAlias = tuple[int, ...]
"""Indices of the examples in one batch."""
PlannedStep: TypeAlias = tuple[BatchIndices, ...]
"""The batches of one optimiser step."""

_POOL = 64  # number of batches whose examples are sorted by length together


class TensorBatch(NamedTuple):
    """Rows of tokens, and the positions at which the loss is taken.

    Padding is on the right, where a causal model does not attend to it, so that no attention mask is needed.
    """

    tokens: torch.Tensor
    """int64 [rows, span]"""
    positions: torch.Tensor | None
    """int64 [1, span] for packed examples, else None. They restart at 0 where an example begins."""
    loss_positions: torch.Tensor
    """int64 [m]: positions in the flattened tokens that predict a response token."""
    targets: torch.Tensor
    """int64 [m]: the response tokens that they predict."""
    weights: torch.Tensor
    """float32 [m]: weight of each target in the loss."""

    def to(self, device: torch.device) -> "TensorBatch":
        """Return a copy on `device`."""
        return TensorBatch(*(None if part is None else part.to(device) for part in self))


def plan(lengths: Sequence[int], settings: Sft) -> list[PlannedStep]:
    """Plan the steps of all epochs, in order.

    With `batch_size`, the examples of a step are drawn at random. They depend only on `batch_size *
    accumulation`, not on how a step is split or packed. With `batch_tokens`, batches of similar lengths are
    formed first and then drawn at random.
    """
    steps: list[PlannedStep] = []
    for epoch in range(settings.epochs):
        rng = random.Random(f"epoch/{settings.seed}/{epoch}")  # noqa: S311
        order = list(range(len(lengths)))
        rng.shuffle(order)
        if settings.batch_tokens is None:
            size = settings.batch_size * settings.accumulation
            steps += [
                tuple(batches(order[start : start + size], lengths, settings))
                for start in range(0, len(order), size)
            ]
            continue
        pool = max(1, _POOL * settings.batch_tokens * len(lengths) // sum(lengths))
        shuffled = [
            batch
            for start in range(0, len(order), pool)
            for batch in batches(order[start : start + pool], lengths, settings)
        ]
        rng.shuffle(shuffled)
        size = settings.accumulation
        steps += [tuple(shuffled[start : start + size]) for start in range(0, len(shuffled), size)]
    return steps


def batches(indices: Sequence[int], lengths: Sequence[int], settings: Sft) -> list[BatchIndices]:
    """Group examples into batches of similar lengths or, with packing, into full rows."""
    by_length = sorted(indices, key=lambda index: (lengths[index], index))
    if settings.packing:
        return _pack(by_length[::-1], lengths, settings.batch_tokens or settings.max_length)
    grouped: list[list[int]] = []
    for index in by_length:
        size = len(grouped[-1]) + 1 if grouped else 1
        is_full = (
            size > settings.batch_size
            if settings.batch_tokens is None
            else size * lengths[index] > settings.batch_tokens
        )
        if is_full or not grouped:
            grouped.append([])
        grouped[-1].append(index)
    return [tuple(batch) for batch in grouped]


def _pack(longest_first: Sequence[int], lengths: Sequence[int], capacity: int) -> list[BatchIndices]:
    """Put each example into the fullest row that still has room ("best-fit decreasing", Ding et al. 2024)."""
    rows: list[list[int]] = []
    free: list[int] = []
    for index in longest_first:
        fitting = [row for row, room in enumerate(free) if room >= lengths[index]]
        if fitting:
            row = min(fitting, key=free.__getitem__)
        else:
            row = len(rows)
            rows.append([])
            free.append(capacity)
        rows[row].append(index)
        free[row] -= lengths[index]
    return [tuple(row) for row in rows]


def collate(examples: Sequence[Encoded], *, is_packed: bool) -> TensorBatch:
    """Arrange examples in tensors: concatenated in a single row if packed, else one padded row each."""
    spans = [len(example.tokens) for example in examples]
    if is_packed:
        tokens = torch.cat([example.tokens for example in examples])[None].long()
        positions = torch.cat([torch.arange(span) for span in spans])[None]
        starts = [sum(spans[:index]) for index in range(len(spans))]
    else:
        tokens = torch.zeros(len(examples), max(spans), dtype=torch.long)
        for row, example in zip(tokens, examples, strict=True):
            row[: len(example.tokens)] = example.tokens
        positions = None
        starts = [index * tokens.shape[1] for index in range(len(examples))]
    loss_positions = [
        torch.arange(start + example.prompt - 1, start + len(example.tokens) - 1)
        for start, example in zip(starts, examples, strict=True)
    ]
    targets = [example.tokens[example.prompt :].long() for example in examples]
    weights = [torch.full((example.taught,), example.weight) for example in examples]
    return TensorBatch(tokens, positions, torch.cat(loss_positions), torch.cat(targets), torch.cat(weights))


def total_weight(examples: Sequence[Encoded]) -> float:
    """Return the summed weight of all response tokens, by which the summed loss is divided."""
    return sum(example.weight * example.taught for example in examples)
