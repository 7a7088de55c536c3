"""A night pays for its own work, the file or student that it was given, not for all that is in the lake."""

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drp.pipeline.nightly import nightly
from drp.questions.generators.generate import generate, problem_from_source
from drp.runtime.cost_estimate import estimate
from drp.stages.ingest import import_file, ingest
from drp.stages.plan import plan
from drp.stages.report import summarise
from tests.helpers.nights import DAY
from tests.helpers.repository import ROOT
from tests.scripted_student.student import respond
from tests.teacher.conftest import Nights, rows

pytestmark = pytest.mark.services

OWN, PENDING = 25, 260
_ROWS = [
    {
        "question": question.question,
        "answer": question.gold_answer,
        "cot": response.thinking,
        "response": response.response,
        "dataset": "recorded",
        "split": "train",
    }
    for question in generate(400, 5)
    if (problem := problem_from_source(question.source))
    for response in [respond(problem, 0)]
    if response.is_finished and f"{{{question.gold_answer}}}" in response.response
][:PENDING]
"""Right traces: each is one request."""
_COT = ("thinking=cot",)
_LEFT = f"left pending: {PENDING} rollouts (student-b {PENDING})"
_STUDENTS = """
SELECT student, count(*) AS n FROM revisions JOIN rollouts USING (rollout_id) GROUP BY student
"""


@dataclass(frozen=True)
class Lake:
    """A lake with 260 pending traces of student B, and a file with 25 traces of student A."""

    teach: Nights
    own: Path
    other: Path

    def night(self, **how: Any) -> Any:
        """Open a night with the stand-in as the teacher."""
        return self.teach.open("online", **how)

    def revised(self) -> dict[str, int]:
        """Return the number of published revisions by student."""
        return {row["student"]: row["n"] for row in rows(self.night(), _STUDENTS)}


@pytest.fixture
def lake(teach: Nights, tmp_path: Path) -> Lake:
    """The traces of student A are also among those of student B, who answered the same."""
    own, other = tmp_path / "own traces.parquet", tmp_path / "other.parquet"
    pq.write_table(pa.Table.from_pylist(_ROWS[:OWN]), own)
    pq.write_table(pa.Table.from_pylist(_ROWS), other)
    lake = Lake(teach, own, other)
    import_file(lake.night().lake, other, kind="traces", pairs=_COT, student="student-b")
    return lake


def _command(env: dict[str, str], command: str) -> subprocess.CompletedProcess[str]:
    """Run a line of a shell, in another folder than that of the test."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", command],
        env={**os.environ, **env, "PATH": path, "PYTHONPATH": str(ROOT)},
        cwd=ROOT / "docs",
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_message_after_a_spent_budget_run_word_for_word_ends_that_night_and_nothing_else(
    lake, server, tmp_path
):
    night = lake.night()
    variables = {n: os.environ[n] for n in os.environ if n.startswith(("DRP_", "STAND_IN"))}
    given = (
        f"drp nightly --traces '{lake.own}' --recipe {tmp_path / 'drp.yaml'} --run-date {DAY}"
        " --student 'student a' --map thinking=cot --map gold_answer=answer"
    )
    first = _command(variables | {"DRP_BUDGET_USD": "0.05"}, given)

    assert first.returncode == 1
    assert (
        f"stand-in: {OWN} rollouts (student a {OWN}): {OWN} requests, 0 of them asked before: about 0."
        in first.stdout
    )
    assert _LEFT in " ".join(first.stderr.split())
    next_command = first.stderr.splitlines()[-1].partition("Next: ")[2]
    assert next_command.partition(" ")[2] == given
    asked = server.totals()["asked"]
    assert 0 < asked < OWN

    second = _command(variables, next_command)
    assert second.returncode == 0, second.stderr
    assert lake.revised() == {"student a": OWN}
    budget = float(next_command.partition(" ")[0].partition("=")[2])
    totals = server.totals()
    assert totals["paid_twice"] == 0
    assert totals["nano_usd"] <= budget * 10**9 <= 2 * totals["nano_usd"]
    assert len(rows(night, "FROM teacher_calls")) == totals["asked"]


def _planned(night: Any, shards: list[str]) -> tuple[int, dict[str, int]]:
    """Return the number of requests that a night would send, and of rollouts by student."""
    expected = estimate(night, shards)
    assert expected is not None
    return expected.requests, dict(expected.students)


def _own(lake: Lake, night: Any) -> str:
    given = ingest(night, str(lake.own), pairs=_COT, student="student-a")
    assert given is not None
    return given


def test_a_file_plans_its_own_traces_and_the_backlog_only_if_asked(lake, caplog):
    night = lake.night()
    given = _own(lake, night)
    assert _planned(night, plan(night, given=given)) == (OWN, {"student-a": OWN})
    assert _LEFT in caplog.text
    caplog.clear()
    everything = plan(night, given=given, backlog=True)
    requests, students = _planned(night, everything)
    assert students["student-a"] == OWN
    assert PENDING - OWN <= students["student-b"] <= PENDING  # the others are duplicates of student A's
    assert requests == OWN + students["student-b"]
    assert "left pending" not in caplog.text


def test_a_file_that_the_lake_has_already_is_given_as_well(lake):
    night = lake.night()
    given = ingest(night, str(lake.other), pairs=_COT, student="student-b")
    assert _planned(night, plan(night, given=given)) == (PENDING, {"student-b": PENDING})


def test_a_night_that_goes_on_keeps_to_its_file_also_if_its_ids_were_not_kept(lake):
    night = lake.night()
    given = _own(lake, night)
    night.lake.store.delete(f"_runs/{night.run_id}/given-{given}.json")  # begun by an older version
    assert _own(lake, night) == given
    assert _planned(night, plan(night, given=given)) == (OWN, {"student-a": OWN})


@pytest.mark.parametrize("backlog", [False, True])
def test_shards_that_an_earlier_attempt_planned_for_others_are_left(lake, caplog, backlog):
    night = lake.night()
    other = ingest(night, str(lake.other), pairs=_COT, student="student-b")
    (before,) = plan(night, given=other, backlog=backlog)
    given = _own(lake, night)
    (shard,) = plan(night, given=given)
    assert shard != before
    assert _planned(night, [shard]) == (OWN, {"student-a": OWN})
    assert _LEFT in caplog.text
    assert plan(night, given=given) == [shard]


def test_a_night_that_samples_takes_its_student_and_question_sets(lake, teach):
    sets = [{"source": "imported", "dataset": "recorded", "split": "train"}]
    night = lake.night(student="student-b", questions=sets)
    assert _planned(night, plan(night, sample_size=1))[1] == {"student-b": PENDING}
    night = lake.night(student="student-a", questions=sets, day="2026-11-21")
    assert _planned(night, plan(night, sample_size=1))[1] == {}
    night = lake.night(student="student-b", day="2026-11-22")
    assert _planned(night, plan(night))[1] == {}
    assert _planned(night, plan(night, backlog=True))[1] == {"student-b": PENDING}


def test_what_is_still_to_be_sampled_is_counted_at_the_mean_of_the_others(lake):
    sets = [{"source": "imported", "dataset": "recorded", "split": "train"}]
    night = lake.night(student="student-b", questions=sets)
    known = estimate(night, plan(night, sample_size=1))
    both = estimate(night, plan(night, sample_size=14))
    assert (known.unsampled, both.unsampled) == (1, 14)
    assert known.sampled_usd == both.sampled_usd > 0
    assert float(both.usd / known.sampled_usd) == pytest.approx(1 + 14 / PENDING)
    assert "14 rollouts are sampled first and counted at the mean of the others" in str(both)


def test_the_report_adds_up_with_what_was_left_pending(lake):
    night = lake.night(day=datetime.now(UTC).date().isoformat())  # the date of the import
    nightly(night, str(lake.own), pairs=_COT, student="student-a")
    (balance,) = rows(night, "FROM accounting")
    assert (balance["rows_in"], balance["left_pending"]) == (OWN + PENDING, PENDING)
    assert balance["adds_up"]
    assert f"+ {PENDING} left pending" in " ".join(
        str(cell) for column in summarise(night).columns for cell in column.cells
    )
