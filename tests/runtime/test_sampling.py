"""Samples land in pieces: what has landed is not asked again, nothing is there twice, nothing is left out."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import pytest

from drp.core.records import Rollout
from drp.lake.lake import Lake
from drp.query.session import select
from drp.runtime import student_sampling
from drp.runtime.context import RunContext, open_night
from drp.runtime.student_sampling import SamplesMissingError
from drp.stages.ingest import ingest
from drp.stages.plan import plan
from drp.stages.rollout import rollout, sampling_task
from drp.student.engines.select import make_engine
from drp.student.engines.server_engine import StudentUnavailableError
from drp.student.protocol import SampleRequest, Student
from tests.helpers.nights import DAY
from tests.scripted_student.server import scripted


class Engine:
    """The real one, which may stop, or forget, after some samples."""

    name = "server"
    stops_after = forgets_after = 10_000
    asked: int = 0

    def __init__(self, student: Student) -> None:
        self._engine = make_engine(student)

    def sample(self, wanted: Iterable[SampleRequest]) -> Iterator[Rollout]:
        samples = list(wanted)
        Engine.asked += len(samples)
        landing = self._engine.sample(samples[: Engine.forgets_after])
        yield from islice(landing, Engine.stops_after)
        if Engine.stops_after < len(samples):
            raise StudentUnavailableError("gone", state="", next_command="")


@pytest.fixture
def night(lake: Lake, recipe_file: Callable[..., str]) -> RunContext:
    """A night whose student is asked two things at a time."""
    server = scripted(60, 3)["server"] | {"in_flight": 2}
    return open_night(recipe_file(server=server), DAY)


@pytest.fixture
def shard(night: RunContext, monkeypatch: pytest.MonkeyPatch) -> str:
    """A shard of 60 questions in pieces of 16."""
    monkeypatch.setattr(student_sampling, "PIECE", 16)
    monkeypatch.setattr(student_sampling, "make_engine", Engine)
    monkeypatch.setattr(Engine, "asked", 0)
    ingest(night, None)
    (shard,) = plan(night)
    return shard


def landed(night: RunContext) -> list[str]:
    return [
        row["rollout_id"] for row in select(night.own_parts("rollout"), "SELECT rollout_id FROM rollouts")
    ]


def test_a_stage_that_was_stopped_goes_on_where_pieces_are_missing(night, shard, monkeypatch):
    monkeypatch.setattr(Engine, "stops_after", 50)
    with pytest.raises(StudentUnavailableError):
        rollout(night, shard)
    kept = landed(night)
    assert 0 < len(kept) < 60
    assert not night.run.is_done("rollout", shard)
    monkeypatch.setattr(Engine, "stops_after", 10_000)
    rollout(night, shard)
    assert Engine.asked == 60 + 60 - len(kept)
    assert len(landed(night)) == len(set(landed(night))) == 60
    assert set(kept) <= set(landed(night))


def test_done_again_nothing_is_asked(night, shard):
    rollout(night, shard)
    rollout(night, shard)
    assert Engine.asked == 60
    assert sum(done.counts.get("rollouts", 0) for done in night.shard_files("rollout")) == 60


def test_a_sample_without_an_answer_is_told(night, shard, monkeypatch):
    monkeypatch.setattr(Engine, "forgets_after", 59)
    with pytest.raises(SamplesMissingError, match="in 1 pieces"):
        rollout(night, shard)
    assert len(landed(night)) == 48
    assert not night.run.is_done("rollout", shard)


def test_processes_share_the_pieces_and_leave_none(night, shard):
    work = sampling_task(night, shard)
    for part in range(3):
        student_sampling.sample(night, work, part=part, of=3)
    assert len(landed(night)) == len(set(landed(night))) == 60
