"""Checkpoints for the registry tests, and functions that the tests run in separate processes."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection

from drp.core.ids import content_id
from drp.database.engine import Database
from drp.registry.records import Checkpoint, CheckpointFile, Move
from drp.registry.registry import Registry, open_registry

T = TypeVar("T")
LIMIT_S = 120


def checkpoint_id(number: int) -> str:
    """Return the id of checkpoint `number`."""
    return content_id("checkpoint", number)


def make_checkpoint(number: int, **changes: Any) -> Checkpoint:
    """Make checkpoint `number` of the student line `small`. Higher numbers are more recent."""
    key = f"_checkpoints/{checkpoint_id(number)}"
    files = tuple(
        CheckpointFile(path, number, hashlib.sha256(f"{path} {number}".encode()).hexdigest())
        for path in ("adapter/adapter.safetensors", "merged/config.json", "merged/model.safetensors")
    )
    made = Checkpoint(
        checkpoint_id=checkpoint_id(number),
        arm="drp",
        student="small",
        base_model="a-student",
        base_sha256="b" * 64,
        corpus_version=number,
        recipe="drp",
        recipe_hash="r" * 32,
        objective="sft",
        code_commit="c" * 40,
        environment="e" * 64,
        files=files,
        adapter_key=f"{key}/adapter",
        merged_key=f"{key}/merged",
        scores=[{"benchmark": "gsm8k", "pass_at_1": 0.5, "mean_tokens": 123.25, "cutoff": None}],
        curve=[
            {"step": 1, "loss": 2.5, "validation_loss": 2.75, "learning_rate": 3e-5},
            {"step": 2, "loss": 1.5, "validation_loss": None, "learning_rate": 1e-5},
        ],
        created_at=datetime(2026, 11, 20, 12, 30, 15, 123456, UTC) + timedelta(days=number),
    )
    return replace(made, **changes)


class WithRegistry:
    """An empty registry at `url`; subclasses provide this fixture."""

    @pytest.fixture
    def registry(self, url: str) -> Iterator[Registry]:
        """An open, empty registry."""
        with open_registry(url) as opened:
            yield opened

    @pytest.fixture
    def unacknowledged(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Repeat every write, as when PostgreSQL drops the connection after a commit."""
        write = Database.write

        def twice(database: Database, work: Callable[[Connection], T]) -> T:
            write(database, work)
            return write(database, work)

        monkeypatch.setattr(Database, "write", twice)


def register(registry: Registry, *numbers: int) -> None:
    """Register these checkpoints."""
    for number in numbers:
        assert registry.register(make_checkpoint(number))


def promote(registry: Registry, *numbers: int) -> None:
    """Promote these checkpoints to champion, one after the other."""
    for number in numbers:
        registry.promote(checkpoint_id(number), "champion", f"it is {number}")


def assert_moves_are_consecutive(history: tuple[Move, ...]) -> None:
    """Check that numbers have no gaps and that each move starts where the previous one ended."""
    assert [move.number for move in history] == list(range(1, len(history) + 1))
    assert [move.from_id for move in history] == [None, *(move.to_id for move in history[:-1])]
    assert len({move.move_id for move in history}) == len(history)


def promote_in_turn(url: str, numbers: list[int], barrier: Barrier) -> None:
    """Promote checkpoints one after the other, concurrently with other processes."""
    with open_registry(url) as registry:
        barrier.wait(LIMIT_S)
        promote(registry, *numbers)
