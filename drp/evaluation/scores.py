"""From graded samples to scores: rows of `score_samples` in, rows of `scores` out.

A score belongs to a key: benchmark, prompt, grader, engine, sampling. Scores of different keys are never
compared, whatever the model.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drp.config import Sampling
from drp.core import TerminalError, content_id
from drp.evaluation.statistics import majority_is_right, pass_at_1


class UnlikeScoresError(TerminalError):
    """Two scores were not measured alike, so that comparing them would say nothing."""


@dataclass(frozen=True)
class ScoreKey:
    """What two scores must have in common to be compared."""

    benchmark: str
    prompt_version: str
    grader_version: str
    engine: str
    sampling: str
    n_samples: int

    @classmethod
    def of(
        cls, benchmark: str, prompt_version: str, grader_version: str, engine: str, sampling: Sampling
    ) -> "ScoreKey":
        """The key of scores with this sampling."""
        how = json.dumps(sampling.identity, sort_keys=True)
        return cls(benchmark, prompt_version, grader_version, engine, how, sampling.samples)

    def score_id(self, checkpoint_id: str, cutoff: int | None) -> str:
        """Id of a checkpoint's score under this key."""
        return content_id("score", checkpoint_id, asdict(self), cutoff)


@dataclass(frozen=True)
class Samples:
    """Graded samples of one benchmark, questions in id order by samples in index order: arrays [n, k]."""

    question_ids: tuple[str, ...]
    right: NDArray[np.bool_]
    tokens: NDArray[np.int64]
    think_tokens: NDArray[np.int64]
    cut: NDArray[np.bool_]
    looping: NDArray[np.bool_]
    answers: Sequence[Sequence[str | None]]

    @classmethod
    def read(cls, rows: Iterable[Mapping[str, Any]]) -> "Samples":
        """From rows of `score_samples` in the order of question and sample.

        Raises:
            ValueError: a question has more samples than another.
        """
        by_question = [
            (question, list(some)) for question, some in groupby(rows, key=lambda row: row["question_id"])
        ]
        counts = {len(some) for _, some in by_question}
        if len(counts) != 1:
            raise ValueError(f"every question needs as many samples, not {sorted(counts)}")
        table = [some for _, some in by_question]

        def column(value: Any, kind: type) -> NDArray[Any]:
            return np.array([[value(row) for row in some] for some in table], dtype=kind)

        return cls(
            tuple(question for question, _ in by_question),
            column(lambda row: row["verdict"] == "equal", bool),
            column(lambda row: row["total_tokens"], int),
            column(lambda row: row["think_tokens"], int),
            column(lambda row: row["finish_reason"] == "length", bool),
            column(lambda row: row["is_degenerate"], bool),
            [[row["predicted_answer"] for row in some] for some in table],
        )

    def within(self, cutoff: int | None) -> "Samples":
        """The same samples as if none could be longer than `cutoff` tokens: what is longer has no answer."""
        if cutoff is None:
            return self
        over = self.tokens > cutoff
        answers = [
            [None if long else answer for answer, long in zip(said, longs, strict=True)]
            for said, longs in zip(self.answers, over.tolist(), strict=True)
        ]
        return Samples(
            self.question_ids,
            self.right & ~over,
            np.minimum(self.tokens, cutoff),
            np.minimum(self.think_tokens, cutoff),
            self.cut | over,
            self.looping,
            answers,
        )


def score_row(
    samples: Samples, key: ScoreKey, *, checkpoint_id: str, arm: str, cutoff: int | None
) -> dict[str, Any]:
    """The row of `scores`: Pass@1 with its interval, majority, and lengths, all within `cutoff` tokens."""
    seen = samples.within(cutoff)
    right = pass_at_1(seen.right)
    majority = [
        majority_is_right(said, verdicts)
        for said, verdicts in zip(seen.answers, seen.right.tolist(), strict=True)
    ]
    return {
        "score_id": key.score_id(checkpoint_id, cutoff),
        "checkpoint_id": checkpoint_id,
        "arm": arm,
        **asdict(key),
        "n_questions": len(seen.question_ids),
        "pass_at_1": right.value,
        "pass_at_1_low": right.low,
        "pass_at_1_high": right.high,
        "majority_at_n": sum(majority) / len(majority),
        "mean_think_tokens": float(seen.think_tokens.mean()),
        "mean_tokens": float(seen.tokens.mean()),
        "share_cut": float(seen.cut.mean()),
        "share_looping": float(seen.looping.mean()),
        "cutoff": cutoff,
    }


def check_alike(base: ScoreKey, other: ScoreKey) -> None:
    """Two scores may be compared.

    Raises:
        UnlikeScoresError: naming what differs.
    """
    differ = [name for name, value in asdict(base).items() if asdict(other)[name] != value]
    if differ:
        raise UnlikeScoresError(
            f"scores on {base.benchmark} differ in {', '.join(differ)}, and cannot be compared",
            state="Both scores are kept; nothing was promoted",
            next_command="drp train --run-date YYYY-MM-DD, for another date, which measures both anew",
        )
