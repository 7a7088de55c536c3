"""Every example once an epoch; steps that do not depend on how they are cut; little padding, no overflow."""

import random
from collections import Counter

import pytest

torch = pytest.importorskip("torch", reason="needs the training environment: make test-training")
pytest.importorskip("transformers", reason="needs the training environment: make test-training")

from drp.config.training import Sft  # noqa: E402
from drp.training.encode import Encoded  # noqa: E402
from drp.training.packing import PlannedStep, batches, collate, plan, weight_of  # noqa: E402

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
    return sorted(place for places in step for place in places)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_example_is_seen_once_an_epoch(layout):
    steps = plan(LENGTHS, settings(**layout))
    seen = Counter(place for step in steps for place in members(step))
    assert seen == Counter(dict.fromkeys(range(101), 2))
    assert all(places for step in steps for places in step)


def test_what_a_step_is_made_of_does_not_depend_on_how_it_is_cut():
    plain = [members(step) for step in plan(LENGTHS, settings())]
    for layout in (
        {"batch_size": 8, "accumulation": 1},
        {"batch_size": 1, "accumulation": 8},
        {"packing": True},
    ):
        assert [members(step) for step in plan(LENGTHS, settings(**layout))] == plain
    assert len(plain[0]) == 8
    assert max(len(places) for step in plan(LENGTHS, settings()) for places in step) == 2


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
    cut = [places for step in plan(LENGTHS, settings(batch_tokens=1000)) for places in step]
    filled = [len(places) * max(LENGTHS[place] for place in places) for places in cut]
    assert max(filled) <= 1000
    read = 2 * sum(LENGTHS)
    assert read / sum(filled) > 0.9  # the rest is padding
    assert len(cut) < 1.3 * read / 1000


@pytest.mark.parametrize(("layout", "room"), [({}, 400), ({"batch_tokens": 1000}, 1000)])
def test_packed_rows_hold_what_they_can(layout, room):
    cut = batches(range(101), LENGTHS, settings(packing=True, **layout))
    filled = [sum(LENGTHS[place] for place in places) for places in cut]
    assert max(filled) <= room
    assert sum(filled) / (room * len(filled)) > 0.88


def test_a_step_has_batches_of_similar_lengths():
    for step in plan(LENGTHS, settings(epochs=1)):
        lengths = [LENGTHS[place] for places in step for place in places]
        assert lengths == sorted(lengths)


def test_nothing_makes_no_batches():
    assert batches([], [], settings()) == []


def example(tokens: list[int], prompt: int, weight: float = 1.0) -> Encoded:
    return Encoded("q", torch.tensor(tokens, dtype=torch.int32), prompt, weight)


TWO = [example([5, 6, 7, 8, 9], 2), example([4, 3, 2], 1, weight=0.5)]


@pytest.mark.parametrize(("is_packed", "places"), [(False, [1, 2, 3, 5, 6]), (True, [1, 2, 3, 5, 6])])
def test_only_successors_that_were_written_are_taught(is_packed, places):
    batch = collate(TWO, is_packed=is_packed)
    assert batch.taught.tolist() == places
    assert batch.wanted.tolist() == [7, 8, 9, 3, 2]
    assert batch.weights.tolist() == [1, 1, 1, 0.5, 0.5]
    assert batch.weights.sum() == weight_of(TWO)
    flat = batch.tokens.flatten()
    if is_packed:
        assert batch.tokens.tolist() == [[5, 6, 7, 8, 9, 4, 3, 2]]
        assert batch.positions.tolist() == [[0, 1, 2, 3, 4, 0, 1, 2]]
    else:
        assert batch.tokens.tolist() == [[5, 6, 7, 8, 9], [4, 3, 2, 0, 0]]
        assert batch.positions is None
    assert flat[batch.taught + 1].tolist() == batch.wanted.tolist()
