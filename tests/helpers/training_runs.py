"""A training run for the tests of its page: rows of samples, and their scores and comparisons.

    run = make_run(arms=("random_prune", "drp"), benchmarks={"small": 40})
    con = open_session(write_parts(tmp_path, run.tables))
    html = build_training_report(con, run.facts)

The answers of an arm are random with a fixed seed. The scores are computed by the production code.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import exp
from random import Random

from drp.config.arms import UNTRAINED
from drp.config.evaluation import Promotion
from drp.config.student import Sampling
from drp.core.records import Question
from drp.evaluation.promotion_rule import ArmComparison, decide_promotion
from drp.evaluation.scores import Samples, ScoreKey, score_row
from drp.evaluation.statistics import compare, difference_variance, least_margin
from drp.report.training.page_data import ARMS, Entrant, TrainingFacts
from drp.training.job import Manifest, Point
from tests.helpers.row_factories import Row, make_checkpoint, make_score_sample

RUN_DATE = date(2026, 11, 21)
COUNTER = "tokenizer 5c1f09ab33d2"
RULE = Promotion(benchmark="small", margin=0.01, saving=0.1)

SKILL = {
    "base": 0.0,
    "original": 0.0,
    "champion": 0.0,
    "unpruned_sft": 0.01,
    "random_prune": -0.12,
    "truncate_head": -0.2,
    "truncate_tail": -0.3,
    "summary_only": -0.25,
    "best_of_n": -0.01,
    "drp": 0.02,
}
"""Accuracy advantage of an arm over the base."""
LENGTH = {
    "base": 1.0,
    "original": 1.0,
    "champion": 0.8,
    "unpruned_sft": 0.97,
    "random_prune": 0.5,
    "truncate_head": 0.47,
    "truncate_tail": 0.48,
    "summary_only": 0.2,
    "best_of_n": 0.85,
    "drp": 0.45,
}
"""Tokens of an arm divided by those of the base."""


@dataclass(frozen=True)
class MadeRun:
    """Rows by table, and the facts that the tables do not hold."""

    tables: Mapping[str, list[Row]]
    facts: TrainingFacts


def make_run(
    *,
    arms: Sequence[str] = ("drp",),
    benchmarks: Mapping[str, int] | None = None,
    n_samples: int = 1,
    student: str = "small",
    cutoff: int | None = 12_000,
    tokens: int = 160,
    rule: Promotion | None = RULE,
) -> MadeRun:
    """Make a complete run of the base and `arms`. `tokens` is the base's median."""
    sampling = Sampling(samples=n_samples, seed=1)
    entrants = [Entrant(arm, _id(arm), _manifest(arm, tokens)) for arm in ("base", *arms)]
    tables: dict[str, list[Row]] = {
        "checkpoints": [_checkpoint(e, student) for e in entrants if e.arm not in UNTRAINED],
        "scores": [],
        "score_samples": [],
    }
    compared: list[ArmComparison] = []
    for benchmark, n_questions in (benchmarks or {"small": 40}).items():
        key = ScoreKey.of(benchmark, "small-1", "4", "transformers", sampling)
        samples = {}
        for entrant in entrants:
            score_id = key.score_id(entrant.checkpoint_id, None)
            rows = list(_samples(entrant.arm, benchmark, score_id, n_questions, n_samples, tokens))
            samples[entrant.arm] = Samples.read(rows)
            tables["score_samples"] += rows
            for within in dict.fromkeys((None, cutoff)):
                tables["scores"].append(
                    score_row(
                        samples[entrant.arm],
                        key,
                        checkpoint_id=entrant.checkpoint_id,
                        arm=entrant.arm,
                        cutoff=within,
                    )
                )
        compared += _compared(entrants, samples, benchmark)
    facts = TrainingFacts(
        run_id=f"{RUN_DATE}-train-drp",
        run_date=RUN_DATE,
        recipe="drp",
        recipe_hash="h1",
        student=student,
        corpus_version=7,
        entrants=entrants,
        benchmarks=list(benchmarks or {"small": 40}),
        cutoff=cutoff,
        rule=rule,
        compared=compared,
        decision=decide_promotion(compared, rule),
        unpruned={COUNTER: 1.02 * tokens},
        questions={row["question_id"]: _question(row["question_id"]) for row in tables["score_samples"]},
    )
    promoted = facts.decision is not None and facts.decision.promote
    return MadeRun(tables, replace(facts, is_champion=promoted))


def _compared(
    entrants: Sequence[Entrant], samples: Mapping[str, Samples], benchmark: str
) -> Iterator[ArmComparison]:
    reference = "champion" if "champion" in samples else "base"
    base = samples[reference]
    for entrant in entrants:
        if entrant.arm == reference:
            continue
        other = samples[entrant.arm]
        comparison = compare(base.right, other.right, base.tokens, other.tokens)
        questions = len(base.question_ids)
        least = least_margin(questions, difference_variance(base.right, other.right))
        yield ArmComparison(
            entrant.arm, entrant.checkpoint_id, reference, benchmark, questions, comparison, least
        )


def _samples(
    arm: str, benchmark: str, score_id: str, n_questions: int, n_samples: int, tokens: int
) -> Iterator[Row]:
    for question in range(n_questions):
        hard = _random(f"{benchmark} {question}").random()
        for index in range(n_samples):
            luck = _random(f"{benchmark} {question} {index}").gauss(0.9 - 0.45 * hard, 0.15)
            rng = _random(f"{arm} {benchmark} {question} {index}")
            right = luck + rng.gauss(SKILL[arm], 0.02) > 0.5
            loops = not right and rng.random() < 0.2 * LENGTH[arm]
            length = LENGTH[arm] * tokens * exp(rng.gauss(0, 0.3)) * (0.6 + hard) * (6 if loops else 1)
            a, b = 3 + question % 17, 5 + question % 11
            answer = a * b if right else a * b - 1
            checks = ["Wait, let me check that again.", f"{a} times {b} is {answer}, yes."] * int(
                LENGTH[arm] * 4
            )
            yield make_score_sample(
                score_sample_id=f"{arm}-{benchmark}-{question:04}-{index}",
                score_id=score_id,
                question_id=f"{benchmark}-{question:04}",
                sample_index=index,
                seed=1,
                thinking=" ".join(
                    [f"There are {a} boxes with {b} pens each, so {a} * {b} = {answer}.", *checks]
                ),
                response="" if loops else f"There are \\boxed{{{answer}}} pens.",
                predicted_answer=None if loops else str(answer),
                verdict=None if loops else "equal" if right else "different",
                think_tokens=round(0.9 * length),
                total_tokens=round(length),
                token_counter=COUNTER,
                finish_reason="length" if loops else "stop",
                is_degenerate=loops,
            )


def _question(question_id: str) -> Question:
    benchmark, _, number = question_id.rpartition("-")
    a, b = 3 + int(number) % 17, 5 + int(number) % 11
    text = f"A shop has {a} boxes. In each box there are {b} pens. How many pens are there in the shop?"
    return Question(question_id, benchmark, "test", text, str(a * b), "made")


def _random(name: str) -> Random:
    return Random(name)  # noqa: S311


def _id(arm: str) -> str:
    return _random(arm).randbytes(16).hex()


def _checkpoint(entrant: Entrant, student: str) -> Row:
    return make_checkpoint(
        checkpoint_id=entrant.checkpoint_id, arm=entrant.arm, base_model=student, corpus_version=7
    )


def _manifest(arm: str, tokens: int) -> Manifest | None:
    """The manifest of an arm's training: a decreasing loss, with validation every 100 steps."""
    if arm in UNTRAINED:
        return None
    rng = _random(arm)
    floor = 0.18 + 0.3 * (list(ARMS).index(arm) % 3) / 10
    validation_losses = {
        step: floor + 0.02 + 0.38 * exp(-step / 60) + step / 40_000 for step in range(100, 401, 100)
    }
    curve = [
        Point(
            step=step,
            loss=floor + 0.4 * exp(-step / 60) + rng.gauss(0, 0.008),
            validation_loss=validation_losses.get(step),
            learning_rate=3e-3,
        )
        for step in range(2, 401, 2)
    ]
    examples = 1_930
    return Manifest(
        job="j",
        objective="sft",
        method="lora",
        base="models/student",
        base_sha256="1" * 64,
        steps=400,
        epochs=4,
        examples_used=examples,
        examples_validation=104,
        examples_dropped=3,
        tokens_trained=round(LENGTH[arm] * tokens * 4 * examples),
        tokens_per_second=8_412.7,
        seconds=214.0,
        validation_loss=validation_losses[400],
        best_validation_loss=min(validation_losses.values()),
        curve=tuple(curve),
        files={},
        peak_memory_bytes=1_812_000_000,
        versions={"torch": "2.9.1", "transformers": "4.57.1", "peft": "0.18.0"},
    )
