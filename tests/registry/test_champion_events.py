"""Who serves a champion learns of every change once, wherever it was made."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drp.registry.champion_events import champion_event
from drp.registry.registry import Registry, open_registry
from tests.helpers.checkpoints import checkpoint_id, make_checkpoint, promote, register

ONE, TWO, THREE = (checkpoint_id(number) for number in (1, 2, 3))


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """A registry with two checkpoints of the student `small` and one of `large`."""
    with open_registry(f"sqlite:///{tmp_path}/drp.db") as opened:
        register(opened, 1, 2)
        opened.register(make_checkpoint(3, student="large"))
        yield opened


def test_a_promotion_and_a_rollback_are_told_once(registry):
    assert champion_event(registry.moves(), None) is None
    promote(registry, 1)
    event = champion_event(registry.moves(), None)
    assert event is not None
    assert event["changed"] == ["small"]
    assert event["champions"]["small"] | {"moved_at": ""} == {
        "checkpoint_id": ONE, "before": None, "reason": "it is 1", "moved_at": "",
    }  # fmt: skip
    assert champion_event(registry.moves(), event) is None, "it was told"
    promote(registry, 2)
    promoted = champion_event(registry.moves(), event)
    assert promoted is not None
    assert promoted["champions"]["small"]["checkpoint_id"] == TWO
    registry.rollback("champion", "small", "loops")
    back = champion_event(registry.moves(), promoted)
    assert back is not None
    assert back["champions"]["small"] | {"moved_at": ""} == {
        "checkpoint_id": ONE, "before": TWO, "reason": "loops", "moved_at": "",
    }  # fmt: skip


def test_what_moved_forth_and_back_between_two_events_is_no_change(registry):
    promote(registry, 1)
    event = champion_event(registry.moves(), None)
    promote(registry, 2)
    registry.rollback("champion", "small")
    assert champion_event(registry.moves(), event) is None


def test_students_are_told_apart_and_challengers_are_not_told(registry):
    promote(registry, 1)
    event = champion_event(registry.moves(), None)
    registry.promote(TWO, "challenger", "close")
    assert champion_event(registry.moves(), event) is None
    registry.promote(THREE, "champion", "the first")
    both = champion_event(registry.moves(), event)
    assert both is not None
    assert both["changed"] == ["large"]
    assert set(both["champions"]) == {"small", "large"}


def test_an_event_of_an_older_version_tells_nothing_and_all_is_told(registry):
    promote(registry, 1)
    event = champion_event(registry.moves(), {"checkpoint_id": ONE})
    assert event is not None
    assert event["changed"] == ["small"]
