"""Pairs of samples: the answers of the base and of DRP to the same question with the same seed.

There are pairs that both answered correctly, pairs that DRP lost, and pairs that it won. Of each kind those
with the lowest hashes of their ids are shown, which is random but reproducible. Only their texts are read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from drp.report.nightly.examples import shorten
from drp.report.nightly.read_numbers import fetch_rows
from drp.report.training.page_data import TrainingFacts
from drp.report.training.page_queries import PAIRS

THINKING_CHARACTERS = 6_000
"""Longer traces are shortened in the middle; a looping one can have half a million characters."""
OTHER_CHARACTERS = 1_500
"""The same for questions and answer summaries."""


@dataclass(frozen=True)
class SampleText:
    """A sample. Its texts may be shortened."""

    thinking: str
    response: str
    answer: str | None
    tokens: int
    is_right: bool
    is_cut: bool


@dataclass(frozen=True)
class SamplePair:
    """Two samples of a question; `kind` is both right, lost or won. The question may be unknown."""

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
    """Return at most two pairs of each kind, from the deciding benchmark."""
    chosen = fetch_rows(con, facts, PAIRS)
    if not chosen:
        return []
    ids = [sample_id for _, *both in chosen for sample_id in both]
    texts: dict[str, SampleText] = {}
    question_ids: dict[str, str] = {}
    samples = con.execute(_SAMPLES, {"chosen": ids}).fetchall()
    for sample_id, question_id, thinking, response, *columns in samples:
        question_ids[sample_id] = question_id
        texts[sample_id] = SampleText(
            shorten(thinking.strip(), THINKING_CHARACTERS),
            shorten(response.strip(), OTHER_CHARACTERS),
            *columns,
        )
    pairs = []
    for kind, base_id, arm_id in chosen:
        question_id = question_ids[arm_id]
        question = facts.questions.get(question_id)
        text = shorten(question.question, OTHER_CHARACTERS) if question else None
        gold = question.gold_answer if question else None
        pairs.append(SamplePair(kind, question_id, text, gold, texts[base_id], texts[arm_id]))
    return pairs
