"""Pairs of samples to look at: what the base and DRP said to the same question with the same seed.

The pairs are the lowest ids by hash of those that both had right, that DRP lost and that it won, so that they
are random but the same each time; only their texts are read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from drp.report.nightly.examples import shorten
from drp.report.nightly.queries import ask
from drp.report.training.model import TrainingFacts
from drp.report.training.queries import PAIRS

THINKING_CHARACTERS = 6_000
"""A longer trace is cut in the middle: one that loops can have half a million."""
OTHER_CHARACTERS = 1_500
"""Likewise a question, and an answer summary."""


@dataclass(frozen=True)
class SampleText:
    """One sample. The texts may be cut."""

    thinking: str
    response: str
    answer: str | None
    tokens: int
    is_right: bool
    is_cut: bool


@dataclass(frozen=True)
class SamplePair:
    """Two samples of one question; `kind` is both right, lost or won. The question may not be known."""

    kind: str
    question_id: str
    question: str | None
    gold_answer: str | None
    base: SampleText
    arm: SampleText


_SAMPLES = """
SELECT DISTINCT ON (score_sample_id) score_sample_id, question_id, thinking, response, predicted_answer,
       total_tokens, coalesce(verdict = 'equal', false), finish_reason = 'length'
FROM score_samples WHERE list_contains($chosen, score_sample_id)
"""


def read_pairs(con: duckdb.DuckDBPyConnection, facts: TrainingFacts) -> Sequence[SamplePair]:
    """At most two pairs of each kind, of the benchmark that decides."""
    chosen = ask(con, facts, PAIRS)
    if not chosen:
        return []
    ids = [sample_id for _, *both in chosen for sample_id in both]
    said: dict[str, SampleText] = {}
    asked: dict[str, str] = {}
    samples = con.execute(_SAMPLES, {"chosen": ids}).fetchall()
    for sample_id, question_id, thinking, response, *rest in samples:
        asked[sample_id] = question_id
        said[sample_id] = SampleText(
            shorten(thinking.strip(), THINKING_CHARACTERS), shorten(response.strip(), OTHER_CHARACTERS), *rest
        )
    pairs = []
    for kind, base_id, arm_id in chosen:
        known = facts.questions.get(asked[arm_id])
        question = shorten(known.question, OTHER_CHARACTERS) if known else None
        gold = known.gold_answer if known else None
        pairs.append(SamplePair(kind, asked[arm_id], question, gold, said[base_id], said[arm_id]))
    return pairs
