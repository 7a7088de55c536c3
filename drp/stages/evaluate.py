"""Evaluate: a checkpoint, or the base, answers a benchmark's questions; every graded sample is a row.

It samples as the stage `rollout` does, so that what is measured is what is trained on. Nothing is scored
unless the grader passes its own test first, and all samples are there.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from drp.config.recipe import Benchmark, Engine, Recipe, SyntheticSet
from drp.config.settings import settings
from drp.core.errors import BadInputError
from drp.core.records import GradedRollout, Question
from drp.evaluation.scores import Samples, ScoreKey, score_row
from drp.grading import GRADER_VERSION, Grader, self_test
from drp.lake.runs import ShardOutput
from drp.query.select import select
from drp.questions.generators.generate import generate
from drp.registry.registry import open_registry
from drp.runtime.context import Night
from drp.runtime.sampling import Wanted, sample
from drp.runtime.student_models import bring
from drp.runtime.training_plan import (
    BASE,
    CHAMPION,
    Entry,
    checkpoint_of,
    entry_of,
    evaluation_of,
    model_digest,
)
from drp.student.engines.select import student_of
from drp.student.protocol import Sample, Student
from drp.training.errors import WrongBaseError

STAGE = "evaluate"
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


def shards(run: Night, names: list[str]) -> list[str]:
    """One shard a checkpoint and benchmark."""
    benchmarks = [benchmark.name for benchmark in evaluation_of(run.recipe).benchmarks]
    return [shard_of(run, name, benchmark) for name in names for benchmark in benchmarks]


def shard_of(run: Night, name: str, benchmark: str) -> str:
    """`<entry>.<benchmark>.<hash>`: measured in another way, it is another shard."""
    return f"{name}.{benchmark}.{run.recipe.evaluation_hash[:6]}"


def evaluate(run: Night, shard: str) -> None:
    """Measure one checkpoint on one benchmark."""
    if run.run.is_done(STAGE, shard):
        return
    with Grader(workers=1) as grader:
        self_test(grader)
    entry, benchmark = _about(run, shard)
    with run.run.shard(STAGE, shard, run.recipe.evaluation_hash) as out:
        sample(run, wanted(run, shard))
        samples = read_samples(run, shard)
        key, (checkpoint_id, arm) = score_key(run, benchmark.name), (entry["checkpoint_id"], entry["arm"])
        for cutoff in dict.fromkeys((None, evaluation_of(run.recipe).cutoff)):
            out.add("scores", score_row(samples, key, checkpoint_id=checkpoint_id, arm=arm, cutoff=cutoff))
            out.counts["scores"] += 1


def wanted(run: Night, shard: str) -> Wanted:
    """The shard's samples: each run of the benchmark has its own place in the seed."""
    entry, benchmark = _about(run, shard)
    sampling = evaluation_of(run.recipe).sampling
    key = score_key(run, benchmark.name)

    def add(out: ShardOutput, graded: GradedRollout) -> None:
        out.add("score_samples", _sample_row(graded, key.score_id(entry["checkpoint_id"], None)))
        out.counts["samples"] += 1

    student = Student(
        entry["checkpoint_id"],
        str(_model(run, entry)),
        engine_of(run.recipe),
        None,
        run.recipe.prompt_version,
        sampling,
        run.recipe.parallel.tensor,
    )
    samples = [Sample(q, k) for q in _questions(run, benchmark) for k in range(sampling.samples)]
    return Wanted(STAGE, shard, run.recipe.evaluation_hash, student, samples, add)


def score_key(run: Night, benchmark: str) -> ScoreKey:
    """What the scores of this run on a benchmark have in common."""
    sampling, recipe = evaluation_of(run.recipe).sampling, run.recipe
    engine = engine_of(recipe)
    return ScoreKey.of(benchmark, recipe.prompt_version, GRADER_VERSION, engine, sampling)


def engine_of(recipe: Recipe) -> Engine:
    """What runs checkpoints: they come and go, and run from their folders, not behind a server."""
    return "transformers" if recipe.engine == "server" else recipe.engine


def read_samples(run: Night, shard: str) -> Samples:
    """The graded samples of a shard."""
    return Samples.read(select(run.shard(STAGE, shard), _SAMPLES))


def read_key(run: Night, shard: str) -> ScoreKey:
    """What the scores of a finished shard were measured with: its grader may be older than this one."""
    return ScoreKey(**next(select(run.shard(STAGE, shard), _KEY)))


def _about(run: Night, shard: str) -> tuple[Entry, Benchmark]:
    name, benchmark, _ = shard.split(".")
    benchmarks = {known.name: known for known in evaluation_of(run.recipe).benchmarks}
    return entry_of(run, name), benchmarks[benchmark]


def _questions(run: Night, benchmark: Benchmark) -> Iterator[Question]:
    """The benchmark's questions, in id order.

    Raises:
        BadInputError: there are none.
    """
    wanted = benchmark.questions
    if isinstance(wanted, SyntheticSet):
        yield from sorted(generate(**wanted.model_dump(exclude={"source"})), key=lambda q: q.question_id)
        return
    dataset, split = wanted.where
    rows = list(select(run.lake.published(), _QUESTIONS, {"dataset": dataset, "split": split}))
    if not rows:
        raise BadInputError(
            f"benchmark {benchmark.name}: the lake has no questions of data set {dataset!r}, split {split!r}",
            state="No score was written",
            next_command="drp import questions FILE, then run the same command again",
        )
    yield from (Question(**row) for row in rows)


def _model(run: Night, entry: Entry) -> Path:
    """The model's folder on this machine, which is what the plan means: nothing else gets its scores.

    Raises:
        WrongBaseError: the student's folder was changed since the plan.
        ChangedCheckpointError, BadInputError: the checkpoint's files, or a copy of them, were changed.
    """
    if entry["arm"] == BASE:
        base = Path(student_of(run.recipe).model)
        if model_digest(base) != entry["base_sha256"]:
            raise WrongBaseError(
                f"the model in {base} is not the one that {run.run_id} began with: its digest is"
                f" {model_digest(base)[:12]}, not {entry['base_sha256'][:12]}",
                state="No score of it was written",
                next_command="put the model back that was there, or drp train --run-date with another date",
            )
        return base
    if entry["arm"] == CHAMPION:
        with open_registry(settings().ledger_url) as registry:
            return bring(run.lake.store, registry.get(entry["checkpoint_id"]))
    return bring(run.lake.store, checkpoint_of(run, entry, []))


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
