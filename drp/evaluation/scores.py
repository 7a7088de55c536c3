"""Compute scores from graded samples: rows of `score_samples` in, rows of `scores` out.

Every score has a key: benchmark, prompt, grader, engine, sampling. Scores with different keys are never
compared.
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
    """Two scores were measured in different ways and cannot be compared."""


@dataclass(frozen=True)
class ScoreKey:
    """The measurement conditions that two scores must share to be comparable."""

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
        """Build the key of scores with this sampling."""
        identity = json.dumps(sampling.identity, sort_keys=True)
        return cls(benchmark, prompt_version, grader_version, engine, identity, sampling.samples)

    def score_id(self, checkpoint_id: str, cutoff: int | None) -> str:
        """Return the id of a checkpoint's score under this key."""
        return content_id("score", checkpoint_id, asdict(self), cutoff)


@dataclass(frozen=True)
class Samples:
    """Graded samples of one benchmark, as arrays [n questions, k samples], ordered by id and index."""

    question_ids: tuple[str, ...]
    right: NDArray[np.bool_]
    tokens: NDArray[np.int64]
    think_tokens: NDArray[np.int64]
    cut: NDArray[np.bool_]
    looping: NDArray[np.bool_]
    answers: Sequence[Sequence[str | None]]

    @classmethod
    def read(cls, rows: Iterable[Mapping[str, Any]]) -> "Samples":
        """Build from rows of `score_samples`, ordered by question and sample.

        Raises:
            ValueError: the questions differ in their number of samples, or there are no rows.
        """
        by_question = [
            (question_id, list(samples))
            for question_id, samples in groupby(rows, key=lambda row: row["question_id"])
        ]
        counts = {len(samples) for _, samples in by_question}
        if len(counts) != 1:
            raise ValueError(f"every question needs the same number of samples, not {sorted(counts)}")
        table = [samples for _, samples in by_question]

        def column(value: Any, kind: type) -> NDArray[Any]:
            return np.array([[value(row) for row in samples] for samples in table], dtype=kind)

        return cls(
            tuple(question_id for question_id, _ in by_question),
            column(lambda row: row["verdict"] == "equal", bool),
            column(lambda row: row["total_tokens"], int),
            column(lambda row: row["think_tokens"], int),
            column(lambda row: row["finish_reason"] == "length", bool),
            column(lambda row: row["is_degenerate"], bool),
            [[row["predicted_answer"] for row in samples] for samples in table],
        )

    def within(self, cutoff: int | None) -> "Samples":
        """Return the samples truncated at `cutoff` tokens. Longer samples count as cut, without an answer."""
        if cutoff is None:
            return self
        over = self.tokens > cutoff
        answers = [
            [None if is_over else answer for answer, is_over in zip(row, row_over, strict=True)]
            for row, row_over in zip(self.answers, over.tolist(), strict=True)
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
    """Return the row of `scores`: Pass@1 with its interval, majority, and lengths, within `cutoff` tokens."""
    samples = samples.within(cutoff)
    right = pass_at_1(samples.right)
    majority = [
        majority_is_right(answers, verdicts)
        for answers, verdicts in zip(samples.answers, samples.right.tolist(), strict=True)
    ]
    return {
        "score_id": key.score_id(checkpoint_id, cutoff),
        "checkpoint_id": checkpoint_id,
        "arm": arm,
        **asdict(key),
        "n_questions": len(samples.question_ids),
        "pass_at_1": right.value,
        "pass_at_1_low": right.low,
        "pass_at_1_high": right.high,
        "majority_at_n": sum(majority) / len(majority),
        "mean_think_tokens": float(samples.think_tokens.mean()),
        "mean_tokens": float(samples.tokens.mean()),
        "share_cut": float(samples.cut.mean()),
        "share_looping": float(samples.looping.mean()),
        "cutoff": cutoff,
    }


def check_alike(base: ScoreKey, other: ScoreKey) -> None:
    """Check that two scores are comparable.

    Raises:
        UnlikeScoresError: they are not; the message names the differing fields.
    """
    differing = [name for name, value in asdict(base).items() if asdict(other)[name] != value]
    if differing:
        raise UnlikeScoresError(
            f"scores on {base.benchmark} differ in {', '.join(differing)} and cannot be compared",
            state="Both scores are kept; nothing was promoted",
            next_command="drp train --run-date YYYY-MM-DD with a new date, which measures both again",
        )
