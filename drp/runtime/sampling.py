"""Samples a student and lands what it says, in pieces: what the stages `rollout` and `evaluate` share.

A piece is written as soon as all its samples are there, and never holds others: killed and started again, the
student is not asked again for what has landed, and nothing is there twice.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drp.console import Progress
from drp.core import GradedRollout, Question, Rollout, TransientError
from drp.grading import Grader
from drp.jobs import in_environment, run_jobs
from drp.lake import ShardOutput
from drp.runtime.context import RunContext
from drp.student import SampleRequest, Student, grade_rollouts
from drp.student.engines import check_vocabulary, environment_of, make_engine

PIECE = 256
"""Samples of a piece."""


class SamplesMissingError(TransientError):
    """An engine ended without an answer to everything that it was asked."""


@dataclass(frozen=True)
class SamplingTask:
    """The samples that one shard of a stage is about, and what becomes of each."""

    stage: str
    shard: str
    fingerprint: str
    student: Student
    samples: Sequence[SampleRequest]
    add: Callable[[ShardOutput, GradedRollout], None]


def sample(ctx: RunContext, wanted: SamplingTask, *, part: int = 0, of: int = 1) -> None:
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
    pieces = _missing(ctx, wanted, part, of)
    if not pieces:
        return
    where = environment_of(wanted.student)
    if where != "orchestrator":  # its engine reads a folder, no server does
        check_vocabulary(Path(wanted.student.model))
    if in_environment(where):
        _sample_here(ctx, wanted, pieces)
    else:
        document = {
            "stage": wanted.stage,
            "shard": wanted.shard,
            "run_id": ctx.run_id,
            "recipe": ctx.recipe.model_dump(mode="json"),
            "workers": ctx.workers,
        }
        processes = min(ctx.recipe.parallel.data, len(pieces))
        jobs = ({**document, "part": number, "of": processes} for number in range(processes))
        run_jobs(where, "drp.runtime.worker_main", *jobs)
    if missing := _missing(ctx, wanted, part, of):
        raise SamplesMissingError(
            f"{wanted.stage} {wanted.shard}: the engine gave no answer to some of the samples in"
            f" {len(missing)} pieces",
            state="All other pieces are kept",
            next_command="run the same command again, which asks for these alone",
        )


def _sample_here(
    ctx: RunContext, wanted: SamplingTask, pieces: Mapping[str, Sequence[SampleRequest]]
) -> None:
    samples = [sample for piece in pieces.values() for sample in piece]
    questions = {sample.question.question_id: sample.question for sample in samples}
    piece_of = {
        (sample.question.question_id, sample.k): name for name, piece in pieces.items() for sample in piece
    }
    landed: dict[str, list[GradedRollout]] = {name: [] for name in pieces}
    progress = Progress(f"{wanted.stage} {wanted.shard}", len(samples), unit="samples")

    ended: list[BaseException] = []

    def responses() -> Iterator[tuple[Question, Rollout]]:
        try:
            for response in make_engine(wanted.student).sample(samples):
                yield questions[response.question_id], response
        except (Exception, SystemExit) as error:  # SIGTERM is a SystemExit
            ended.append(error)  # what has arrived is graded and lands first

    with Grader(workers=ctx.workers) as grader:
        for done, graded in enumerate(grade_rollouts(responses(), grader), start=1):
            name = piece_of[graded.rollout.question_id, graded.rollout.sample_index]
            landed[name].append(graded)
            progress.update(done)
            if len(landed[name]) == len(pieces[name]):
                with ctx.run.shard(wanted.stage, name, wanted.fingerprint) as out:
                    for one in landed.pop(name):
                        wanted.add(out, one)
    if ended:
        raise ended[0]


def _missing(ctx: RunContext, wanted: SamplingTask, part: int, of: int) -> dict[str, Sequence[SampleRequest]]:
    """The pieces of this part that have not landed; what makes up a piece, or a part, never changes."""
    missing = {}
    for number in range(part, math.ceil(len(wanted.samples) / PIECE), of):
        name = f"{wanted.shard}-{number:04}"
        if not ctx.run.is_done(wanted.stage, name):
            missing[name] = wanted.samples[number * PIECE : (number + 1) * PIECE]
    return missing
