"""Sample a student and store its graded responses in pieces: shared by the stages `rollout` and `evaluate`.

A piece is written as soon as all its samples are graded, and does not wait for other pieces. When sampling is
killed and started again, stored samples are not sampled again, and no sample is stored twice.
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
"""Samples in a piece."""


class SamplesMissingError(TransientError):
    """A rollout engine ended without a response to every request."""


@dataclass(frozen=True)
class SamplingTask:
    """The samples of one shard of a stage, and how each graded response is stored."""

    stage: str
    shard: str
    fingerprint: str
    student: Student
    samples: Sequence[SampleRequest]
    add: Callable[[ShardOutput, GradedRollout], None]


def sample(ctx: RunContext, task: SamplingTask, *, part: int = 0, of: int = 1) -> None:
    """Sample and store everything that is not stored yet, in the environment of the student's engine.

    Args:
        ctx: the run.
        task: what is sampled.
        part: which of the `of` processes this is, from 0; they share the pieces.
        of: number of processes.

    Raises:
        BadInputError: no engine can run the student.
        SamplesMissingError: the engine left samples out.
    """
    pieces = _missing_pieces(ctx, task, part, of)
    if not pieces:
        return
    environment = environment_of(task.student)
    if environment != "orchestrator":  # the engine reads a model's folder
        check_vocabulary(Path(task.student.model))
    if in_environment(environment):
        _sample_here(ctx, task, pieces)
    else:
        document = {
            "stage": task.stage,
            "shard": task.shard,
            "run_id": ctx.run_id,
            "recipe": ctx.recipe.model_dump(mode="json"),
            "workers": ctx.workers,
        }
        processes = min(ctx.recipe.parallel.data, len(pieces))
        jobs = ({**document, "part": number, "of": processes} for number in range(processes))
        run_jobs(environment, "drp.pipeline.sampling_worker", *jobs)
    if missing := _missing_pieces(ctx, task, part, of):
        raise SamplesMissingError(
            f"{task.stage} {task.shard}: the engine returned no response for some samples in {len(missing)}"
            " pieces",
            state="All other pieces are stored",
            next_command="run the same command again, which samples only what is missing",
        )


def _sample_here(ctx: RunContext, task: SamplingTask, pieces: Mapping[str, Sequence[SampleRequest]]) -> None:
    requests = [request for piece in pieces.values() for request in piece]
    questions = {request.question.question_id: request.question for request in requests}
    piece_of = {
        (request.question.question_id, request.k): name for name, piece in pieces.items() for request in piece
    }
    graded_of: dict[str, list[GradedRollout]] = {name: [] for name in pieces}
    progress = Progress(f"{task.stage} {task.shard}", len(requests), unit="samples")
    errors: list[BaseException] = []

    def responses() -> Iterator[tuple[Question, Rollout]]:
        try:
            for response in make_engine(task.student).sample(requests):
                yield questions[response.question_id], response
        except (Exception, SystemExit) as error:  # SIGTERM is a SystemExit
            errors.append(error)  # responses that have arrived are graded and stored first

    with Grader(workers=ctx.workers) as grader:
        for done, graded in enumerate(grade_rollouts(responses(), grader), start=1):
            name = piece_of[graded.rollout.question_id, graded.rollout.sample_index]
            graded_of[name].append(graded)
            progress.update(done)
            if len(graded_of[name]) == len(pieces[name]):
                with ctx.run.shard(task.stage, name, task.fingerprint) as out:
                    for rollout in graded_of.pop(name):
                        task.add(out, rollout)
    if errors:
        raise errors[0]


def _missing_pieces(
    ctx: RunContext, task: SamplingTask, part: int, of: int
) -> dict[str, Sequence[SampleRequest]]:
    """The pieces of this part that are not stored; the samples of a piece and of a part never change."""
    missing = {}
    for number in range(part, math.ceil(len(task.samples) / PIECE), of):
        name = f"{task.shard}-{number:04}"
        if not ctx.run.is_done(task.stage, name):
            missing[name] = task.samples[number * PIECE : (number + 1) * PIECE]
    return missing
