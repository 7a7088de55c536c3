"""Every example occurs once per epoch, steps do not depend on batching, and rows are well filled."""

import random
from collections import Counter

import pytest

torch = pytest.importorskip("torch", reason="needs the training environment: make test-training")
pytest.importorskip("transformers", reason="needs the training environment: make test-training")

from drp.config.training import Sft  # noqa: E402
from drp.training.encode import Encoded  # noqa: E402
from drp.training.sequence_packing import PlannedStep, batches, collate, plan, total_weight  # noqa: E402

pytestmark = pytest.mark.training


LENGTHS = [random.Random(7).randint(20, 400) for _ in range(101)]  # noqa: S311
LAYOUTS = [
    {},
    {"packing": True},
    {"batch_size": 8, "accumulation": 1},
    {"batch_tokens": 1000},
    {"batch_tokens": 1000, "packing": True, "accumulation": 2},
]


def settings(**changes: object) -> Sft:
    return Sft.model_validate({"epochs": 2, "max_length": 400} | changes)


def members(step: PlannedStep) -> list[int]:
    return sorted(index for indices in step for index in indices)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_example_is_seen_once_an_epoch(layout):
    steps = plan(LENGTHS, settings(**layout))
    seen = Counter(index for step in steps for index in members(step))
    assert seen == Counter(dict.fromkeys(range(101), 2))
    assert all(indices for step in steps for indices in step)


def test_the_examples_of_a_step_do_not_depend_on_its_batches():
    plain = [members(step) for step in plan(LENGTHS, settings())]
    for layout in (
        {"batch_size": 8, "accumulation": 1},
        {"batch_size": 1, "accumulation": 8},
        {"packing": True},
    ):
        assert [members(step) for step in plan(LENGTHS, settings(**layout))] == plain
    assert len(plain[0]) == 8
    assert max(len(indices) for step in plan(LENGTHS, settings()) for indices in step) == 2


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_seed_decides_the_order_and_epochs_differ(layout):
    steps = plan(LENGTHS, settings(**layout))
    assert plan(LENGTHS, settings(**layout)) == steps
    assert plan(LENGTHS, settings(**layout, seed=1)) != steps
    assert (
        plan(LENGTHS, settings(**layout, epochs=1))
        == steps[: len(plan(LENGTHS, settings(**layout, epochs=1)))]
    )
    assert members(steps[0]) != members(steps[len(steps) // 2])


def test_batches_of_tokens_are_full_and_never_too_full():
    grouped = [indices for step in plan(LENGTHS, settings(batch_tokens=1000)) for indices in step]
    filled = [len(indices) * max(LENGTHS[index] for index in indices) for indices in grouped]
    assert max(filled) <= 1000
    read = 2 * sum(LENGTHS)
    assert read / sum(filled) > 0.9  # the rest is padding
    assert len(grouped) < 1.3 * read / 1000


@pytest.mark.parametrize(("layout", "capacity"), [({}, 400), ({"batch_tokens": 1000}, 1000)])
def test_packed_rows_hold_what_they_can(layout, capacity):
    grouped = batches(range(101), LENGTHS, settings(packing=True, **layout))
    filled = [sum(LENGTHS[index] for index in indices) for indices in grouped]
    assert max(filled) <= capacity
    assert sum(filled) / (capacity * len(filled)) > 0.88


def test_a_step_has_batches_of_similar_lengths():
    for step in plan(LENGTHS, settings(epochs=1)):
        lengths = [LENGTHS[index] for indices in step for index in indices]
        assert lengths == sorted(lengths)


def test_nothing_makes_no_batches():
    assert batches([], [], settings()) == []


def example(tokens: list[int], prompt: int, weight: float = 1.0) -> Encoded:
    return Encoded("q", torch.tensor(tokens, dtype=torch.int32), prompt, weight)


TWO = [example([5, 6, 7, 8, 9], 2), example([4, 3, 2], 1, weight=0.5)]


@pytest.mark.parametrize("is_packed", [False, True])
def test_the_loss_covers_only_response_tokens(is_packed):
    batch = collate(TWO, is_packed=is_packed)
    assert batch.loss_positions.tolist() == [1, 2, 3, 5, 6]
    assert batch.targets.tolist() == [7, 8, 9, 3, 2]
    assert batch.weights.tolist() == [1, 1, 1, 0.5, 0.5]
    assert batch.weights.sum() == total_weight(TWO)
    flat = batch.tokens.flatten()
    if is_packed:
        assert batch.tokens.tolist() == [[5, 6, 7, 8, 9, 4, 3, 2]]
        assert batch.positions.tolist() == [[0, 1, 2, 3, 4, 0, 1, 2]]
    else:
        assert batch.tokens.tolist() == [[5, 6, 7, 8, 9], [4, 3, 2, 0, 0]]
        assert batch.positions is None
    assert flat[batch.loss_positions + 1].tolist() == batch.targets.tolist()
