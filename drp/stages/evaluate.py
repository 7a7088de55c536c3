"""Evaluate: a checkpoint, or the base, answers a benchmark's questions; every graded sample is a row.

It samples as the stage `rollout` does, so that what is measured is what is trained on. Scores are written
only if the grader passes its self-test and all samples are there.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from drp.config import (
    BASE,
    UNTRAINED,
    Benchmark,
    Evaluation,
    SyntheticSet,
    settings,
)
from drp.core import BadInputError, GradedRollout, Question
from drp.core.stage_names import EVALUATE
from drp.evaluation import Samples, ScoreKey, score_row
from drp.grading import GRADER_VERSION, Grader, self_test
from drp.lake import ShardOutput
from drp.query import select
from drp.questions.generators import generate
from drp.registry import open_registry
from drp.runtime import (
    PlannedCheckpoint,
    RunContext,
    SamplingTask,
    checkpoint_of,
    entry_of,
    evaluation_of,
    fetch_model,
    model_digest,
    sample,
)
from drp.student import SampleRequest, Student
from drp.student.engines import longest_response, model_folder, student_of
from drp.training import WrongBaseError

_QUESTIONS = """
SELECT * EXCLUDE (run_date) FROM questions WHERE dataset = $dataset AND split = $split ORDER BY question_id
"""
_SAMPLES = """
SELECT question_id, sample_index, verdict, total_tokens, think_tokens, finish_reason, is_degenerate,
       predicted_answer
FROM score_samples ORDER BY question_id, sample_index
"""
_KEY = """
SELECT benchmark, prompt_version, grader_version, engine, sampling, n_samples FROM scores WHERE cutoff IS NULL
"""


def shards(ctx: RunContext, names: list[str]) -> list[str]:
    """Names of the shards: one for each checkpoint and benchmark."""
    benchmarks = [benchmark.name for benchmark in evaluation_of(ctx.recipe).benchmarks]
    return [shard_of(ctx, name, benchmark) for name in names for benchmark in benchmarks]


def shard_of(ctx: RunContext, name: str, benchmark: str) -> str:
    """`<entry>.<benchmark>.<hash>`; the hash is of how it is measured."""
    return f"{name}.{benchmark}.{ctx.recipe.evaluation_hash[:6]}"


def evaluate(ctx: RunContext, shard: str) -> None:
    """Measure one checkpoint on one benchmark; within the cut-off too, if a sample can be longer than it."""
    if ctx.run.is_done(EVALUATE, shard):
        return
    with Grader(workers=1) as grader:
        self_test(grader)
    entry, benchmark = _about(ctx, shard)
    with ctx.run.shard(EVALUATE, shard, ctx.recipe.evaluation_hash) as out:
        task = sampling_task(ctx, shard)
        sample(ctx, task)
        samples = read_samples(ctx, shard)
        key, (checkpoint_id, arm) = score_key(ctx, benchmark.name), (entry.checkpoint_id, entry.arm)
        for cutoff in cutoffs(evaluation_of(ctx.recipe), task.student):
            out.add("scores", score_row(samples, key, checkpoint_id=checkpoint_id, arm=arm, cutoff=cutoff))
            out.counts["scores"] += 1


def cutoffs(evaluation: Evaluation, student: Student) -> tuple[int | None, ...]:
    """The cut-offs that a student is measured with: none, and the recipe's if a response can be longer."""
    cutoff = evaluation.cutoff
    is_reachable = cutoff is not None and cutoff < longest_response(student)
    return (None, cutoff) if is_reachable else (None,)


def sampling_task(ctx: RunContext, shard: str) -> SamplingTask:
    """The samples of the shard; the k-th run of the benchmark has its own seed."""
    entry, benchmark = _about(ctx, shard)
    sampling = evaluation_of(ctx.recipe).sampling
    key = score_key(ctx, benchmark.name)

    def add(out: ShardOutput, graded: GradedRollout) -> None:
        out.add("score_samples", _sample_row(graded, key.score_id(entry.checkpoint_id, None)))
        out.counts["samples"] += 1

    student = replace(
        student_of(ctx.recipe),
        name=entry.checkpoint_id,
        model=str(_model(ctx, entry)),
        sampling=sampling,
        is_checkpoint=entry.arm != BASE or entry.is_only_measured,
    )
    samples = [SampleRequest(q, k) for q in _questions(ctx, benchmark) for k in range(sampling.samples)]
    return SamplingTask(EVALUATE, shard, ctx.recipe.evaluation_hash, student, samples, add)


def score_key(ctx: RunContext, benchmark: str) -> ScoreKey:
    """How this run measures a benchmark: what all its scores on it have in common."""
    sampling, recipe = evaluation_of(ctx.recipe).sampling, ctx.recipe
    return ScoreKey.of(benchmark, recipe.prompt_version, GRADER_VERSION, recipe.engine_text, sampling)


def read_samples(ctx: RunContext, shard: str) -> Samples:
    """The graded samples of a shard."""
    return Samples.read(select(ctx.shard_parts(EVALUATE, shard), _SAMPLES))


def read_key(ctx: RunContext, shard: str) -> ScoreKey:
    """How the scores of a finished shard were measured: its grader may be older than this one."""
    return ScoreKey(**next(select(ctx.shard_parts(EVALUATE, shard), _KEY)))


def _about(ctx: RunContext, shard: str) -> tuple[PlannedCheckpoint, Benchmark]:
    name, benchmark, _ = shard.split(".")
    benchmarks = {known.name: known for known in evaluation_of(ctx.recipe).benchmarks}
    return entry_of(ctx, name), benchmarks[benchmark]


def _questions(ctx: RunContext, benchmark: Benchmark) -> Iterator[Question]:
    """The benchmark's questions, in id order.

    Raises:
        BadInputError: the lake has none.
    """
    wanted = benchmark.questions
    if isinstance(wanted, SyntheticSet):
        yield from sorted(generate(**wanted.model_dump(exclude={"source"})), key=lambda q: q.question_id)
        return
    dataset, split = wanted.where
    rows = list(select(ctx.lake.published(), _QUESTIONS, {"dataset": dataset, "split": split}))
    if not rows:
        raise BadInputError(
            f"benchmark {benchmark.name}: the lake has no questions of data set {dataset!r}, split {split!r}",
            state="No score was written",
            next_command="drp import questions FILE, then run the same command again",
        )
    yield from (Question(**row) for row in rows)


def _model(ctx: RunContext, entry: PlannedCheckpoint) -> Path:
    """The model's folder on this machine, after checking that it is the model of the plan.

    Raises:
        WrongBaseError: the student's folder was changed since the plan.
        ChangedCheckpointError, BadInputError: the checkpoint's files, or a copy of them, were changed.
    """
    with open_registry(settings().resolved_database_url) as registry:
        if registry.known(entry.checkpoint_id):
            return fetch_model(ctx.lake.store, registry.get(entry.checkpoint_id))
    if entry.arm not in UNTRAINED and not entry.is_only_measured:
        return fetch_model(ctx.lake.store, checkpoint_of(ctx, entry, []))
    student = ctx.recipe.student if entry.arm == BASE else ctx.recipe.line
    source, model = (entry.base_model, None) if entry.is_only_measured else (student, ctx.recipe.model)
    base = model_folder(source, model) or Path(model or source)
    if model_digest(base) != entry.base_sha256:
        raise WrongBaseError(
            f"the model in {base} is not the one that {ctx.run_id} started with: its digest is"
            f" {model_digest(base)[:12]}, not {entry.base_sha256[:12]}",
            state="No score of it was written",
            next_command="put the earlier model back, or run the same command with another --run-date",
        )
    return base


def _sample_row(graded: GradedRollout, score_id: str) -> dict[str, Any]:
    rollout = graded.rollout
    return {
        "score_sample_id": rollout.rollout_id,
        "score_id": score_id,
        "question_id": rollout.question_id,
        "sample_index": rollout.sample_index,
        "seed": rollout.seed,
        "thinking": rollout.thinking,
        "response": rollout.response,
        "predicted_answer": graded.grade.predicted_answer,
        "verdict": graded.grade.verdict,
        "think_tokens": rollout.think_tokens,
        "total_tokens": rollout.total_tokens,
        "token_counter": rollout.token_counter,
        "finish_reason": rollout.finish_reason,
        "is_degenerate": graded.is_degenerate,
    }
