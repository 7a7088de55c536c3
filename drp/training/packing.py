"""Which examples make up each step, and how they lie in memory.

The plan of a whole training is made before it starts, from the lengths and the seed alone: every process
makes the same, and a state needs to remember no more of it than the number of the step.
"""

import random
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import torch

from drp.config import Sft
from drp.training.encode import Encoded

Places: TypeAlias = tuple[int, ...]
"""Examples that go through the model together, by their place in the list."""
PlannedStep: TypeAlias = tuple[Places, ...]
"""Batches between two updates of the weights."""

_POOL = 64  # batches' worth of examples that are sorted by length together


class TensorBatch(NamedTuple):
    """Rows of tokens, and which of their successors are taught.

    Padding stands on the right, where a causal model does not see it from the left: no mask is needed.
    """

    tokens: torch.Tensor
    """int64 [rows, span]"""
    positions: torch.Tensor | None
    """int64 [1, span] where examples are packed: each begins at 0, by which transformers keeps them apart."""
    taught: torch.Tensor
    """int64 [m]: places in the flattened tokens whose successor is taught."""
    wanted: torch.Tensor
    """int64 [m]: those successors."""
    weights: torch.Tensor
    """float32 [m]"""

    def to(self, device: torch.device) -> "TensorBatch":
        """The same on another device."""
        return TensorBatch(*(None if part is None else part.to(device) for part in self))


def plan(lengths: Sequence[int], settings: Sft) -> list[PlannedStep]:
    """The steps of all epochs, in order.

    With `batch_size` the examples of a step are drawn at random and depend on `batch_size * accumulation`
    alone, not on how a step is cut or packed. With `batch_tokens` batches of similar lengths are drawn.
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
        mixed = [
            batch
            for start in range(0, len(order), pool)
            for batch in batches(order[start : start + pool], lengths, settings)
        ]
        rng.shuffle(mixed)
        size = settings.accumulation
        steps += [tuple(mixed[start : start + size]) for start in range(0, len(mixed), size)]
    return steps


def batches(places: Sequence[int], lengths: Sequence[int], settings: Sft) -> list[Places]:
    """`places` cut into batches of similar lengths; into full rows where examples are packed."""
    by_length = sorted(places, key=lambda place: (lengths[place], place))
    if settings.packing:
        return _packed(by_length[::-1], lengths, settings.batch_tokens or settings.max_length)
    cut: list[list[int]] = []
    for place in by_length:
        together = len(cut[-1]) + 1 if cut else 1
        is_full = (
            together > settings.batch_size
            if settings.batch_tokens is None
            else together * lengths[place] > settings.batch_tokens
        )
        if is_full or not cut:
            cut.append([])
        cut[-1].append(place)
    return [tuple(batch) for batch in cut]


def _packed(longest_first: Sequence[int], lengths: Sequence[int], room: int) -> list[Places]:
    """Each into the fullest row that still takes it ("best-fit decreasing", Ding et al. 2024)."""
    rows: list[list[int]] = []
    left: list[int] = []
    for place in longest_first:
        fitting = [row for row, free in enumerate(left) if free >= lengths[place]]
        if fitting:
            row = min(fitting, key=left.__getitem__)
        else:
            row = len(rows)
            rows.append([])
            left.append(room)
        rows[row].append(place)
        left[row] -= lengths[place]
    return [tuple(row) for row in rows]


def collate(examples: Sequence[Encoded], *, is_packed: bool) -> TensorBatch:
    """Examples one after the other in one row, or one a row."""
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
    taught = [
        torch.arange(start + example.prompt - 1, start + len(example.tokens) - 1)
        for start, example in zip(starts, examples, strict=True)
    ]
    wanted = [example.tokens[example.prompt :].long() for example in examples]
    weights = [torch.full((example.taught,), example.weight) for example in examples]
    return TensorBatch(tokens, positions, torch.cat(taught), torch.cat(wanted), torch.cat(weights))


def weight_of(examples: Sequence[Encoded]) -> float:
    """What a loss that is summed over these is divided by: the weights of all their taught tokens."""
    return sum(example.weight * example.taught for example in examples)
