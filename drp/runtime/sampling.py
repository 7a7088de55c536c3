"""Samples a student and lands what it says, in pieces: what the stages `rollout` and `evaluate` share.

A piece is written as soon as all its samples are there, and never holds others: killed and started again, the
student is not asked again for what has landed, and nothing is there twice.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drp.core.errors import TransientError
from drp.core.records import GradedRollout, Question, Rollout
from drp.grading import Grader
from drp.jobs import runner
from drp.lake.runs import ShardOutput
from drp.runtime.context import Night
from drp.runtime.progress import Progress
from drp.student.engines.select import environment, make_engine
from drp.student.engines.vocabulary import check_vocabulary
from drp.student.grade_rollouts import grade_rollouts
from drp.student.protocol import Sample, Student

PIECE = 256
"""Samples of a piece."""


class SamplesMissingError(TransientError):
    """An engine ended without an answer to everything that it was asked."""


@dataclass(frozen=True)
class Wanted:
    """The samples that one shard of a stage is about, and what becomes of each."""

    stage: str
    shard: str
    fingerprint: str
    student: Student
    samples: Sequence[Sample]
    add: Callable[[ShardOutput, GradedRollout], None]


def sample(night: Night, wanted: Wanted, *, part: int = 0, of: int = 1) -> None:
    """Land all samples that have not landed, in the environment that the student's engine needs.

    Args:
        night: the night.
        wanted: the samples.
        part: of `of` processes that share the pieces, this is the one with this number, from 0.
        of: number of such processes.

    Raises:
        BadInputError: no engine can run the student.
        SamplesMissingError: its engine left some out.
    """
    pieces = _missing(night, wanted, part, of)
    if not pieces:
        return
    where = environment(wanted.student)
    if where != "orchestrator":  # its engine reads a folder, no server does
        check_vocabulary(Path(wanted.student.model))
    if runner.is_here(where):
        _sample_here(night, wanted, pieces)
    else:
        document = {
            "stage": wanted.stage,
            "shard": wanted.shard,
            "run_id": night.run_id,
            "recipe": night.recipe.model_dump(mode="json"),
            "workers": night.workers,
        }
        processes = min(night.recipe.parallel.data, len(pieces))
        jobs = ({**document, "part": number, "of": processes} for number in range(processes))
        runner.run(where, "drp.runtime.worker_main", *jobs)
    if missing := _missing(night, wanted, part, of):
        raise SamplesMissingError(
            f"{wanted.stage} {wanted.shard}: the engine gave no answer to some of the samples in"
            f" {len(missing)} pieces",
            state="All other pieces are kept",
            next_command="run the same command again, which asks for these alone",
        )


def _sample_here(night: Night, wanted: Wanted, pieces: Mapping[str, Sequence[Sample]]) -> None:
    samples = [sample for piece in pieces.values() for sample in piece]
    questions = {sample.question.question_id: sample.question for sample in samples}
    piece_of = {
        (sample.question.question_id, sample.k): name for name, piece in pieces.items() for sample in piece
    }
    landed: dict[str, list[GradedRollout]] = {name: [] for name in pieces}
    progress = Progress(wanted.stage, wanted.shard, len(samples))

    ended: list[BaseException] = []

    def responses() -> Iterator[tuple[Question, Rollout]]:
        try:
            for response in make_engine(wanted.student).sample(samples):
                yield questions[response.question_id], response
        except (Exception, SystemExit) as error:  # SIGTERM is a SystemExit
            ended.append(error)  # what has arrived is graded and lands first

    with Grader(workers=night.workers) as grader:
        for done, graded in enumerate(grade_rollouts(responses(), grader), start=1):
            name = piece_of[graded.rollout.question_id, graded.rollout.sample_index]
            landed[name].append(graded)
            progress.tell(done)
            if len(landed[name]) == len(pieces[name]):
                with night.run.shard(wanted.stage, name, wanted.fingerprint) as out:
                    for one in landed.pop(name):
                        wanted.add(out, one)
    if ended:
        raise ended[0]


def _missing(night: Night, wanted: Wanted, part: int, of: int) -> dict[str, Sequence[Sample]]:
    """The pieces of this part that have not landed; what makes up a piece, or a part, never changes."""
    missing = {}
    for number in range(part, math.ceil(len(wanted.samples) / PIECE), of):
        name = f"{wanted.shard}-{number:04}"
        if not night.run.is_done(wanted.stage, name):
            missing[name] = wanted.samples[number * PIECE : (number + 1) * PIECE]
    return missing
