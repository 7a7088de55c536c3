"""Examples of accepted revisions: the student's steps, and the decision on each.

The sample consists of the revisions with the lowest hashes of their ids. It is random but reproducible, and
only its texts are read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb

from drp.report.nightly.page_data import NightFacts

SAMPLES = 10
STEP_CHARACTERS = 1_500
"""Longer steps are shortened in the middle."""
TRACE_CHARACTERS = 16_000
"""Later steps are left out of the page, because a trace can have half a million characters."""


@dataclass(frozen=True)
class ExampleStep:
    """A step with its decision. Texts may be shortened."""

    index: int
    skill: str
    skill_family: str
    action: str
    original: str
    revised_text: str | None
    reason: str
    merged_with: Sequence[int]


@dataclass(frozen=True)
class RevisionExample:
    """An accepted revision. `steps_left_out` of its `n_steps` do not fit the page."""

    revision_id: str
    dataset: str
    question: str
    gold_answer: str
    student: str
    engine: str
    tokens_before: int
    tokens_after: int
    counter_before: str
    counter_after: str
    n_steps: int
    thinking: str
    response: str
    steps: Sequence[ExampleStep] = ()

    @property
    def steps_left_out(self) -> int:
        """Number of steps that are not shown."""
        return self.n_steps - len(self.steps)

    @property
    def saving(self) -> float | None:
        """Share of tokens saved; None if two different counters were used."""
        if self.counter_before != self.counter_after or not self.tokens_before:
            return None
        return 1 - self.tokens_after / self.tokens_before


_CHOSEN = """
SELECT revision_id FROM revisions
WHERE run_date = $run_date AND recipe_hash = $recipe_hash AND status = 'accepted' AND thinking IS NOT NULL
ORDER BY md5(revision_id) LIMIT $samples
"""
_REVISIONS = """
SELECT v.revision_id, q.dataset, q.question, q.gold_answer, r.student, r.engine,
       r.total_tokens, v.tokens, r.token_counter, v.token_counter,
       (SELECT count(*) FROM steps s WHERE s.decomposition_id = v.decomposition_id), v.thinking, v.response
FROM revisions v JOIN rollouts r USING (rollout_id) JOIN questions q USING (question_id)
WHERE v.revision_id IN (SELECT unnest($chosen::VARCHAR[]))
ORDER BY md5(v.revision_id)
"""
_STEPS = """
SELECT v.revision_id, s.step_index, s.skill, s.skill_family, d.action,
       substr(r.thinking, s.char_start + 1, s.char_end - s.char_start),
       d.revised_text, d.reason, d.merged_with
FROM revisions v
JOIN rollouts r USING (rollout_id)
JOIN steps s ON s.decomposition_id = v.decomposition_id
JOIN decisions d ON d.revision_id = v.revision_id AND d.step_index = s.step_index
WHERE v.revision_id IN (SELECT unnest($chosen::VARCHAR[])) AND s.char_start < $limit
ORDER BY v.revision_id, s.step_index
"""


def read_examples(con: duckdb.DuckDBPyConnection, night: NightFacts) -> list[RevisionExample]:
    """Return up to ten accepted revisions of the night, shortened to keep the page small."""
    tonight = {"run_date": night.run_date, "recipe_hash": night.recipe_hash}
    chosen = [row[0] for row in con.execute(_CHOSEN, tonight | {"samples": SAMPLES}).fetchall()]
    if not chosen:
        return []
    samples = [RevisionExample(*row) for row in con.execute(_REVISIONS, {"chosen": chosen}).fetchall()]
    steps: dict[str, list[ExampleStep]] = {sample.revision_id: [] for sample in samples}
    remaining = dict.fromkeys(steps, TRACE_CHARACTERS)
    for revision_id, *columns in con.execute(
        _STEPS, {"chosen": chosen, "limit": TRACE_CHARACTERS}
    ).fetchall():
        step = _shortened(ExampleStep(*columns))
        remaining[revision_id] -= len(step.original) + len(step.revised_text or "") + len(step.reason)
        if remaining[revision_id] >= 0:
            steps[revision_id].append(step)
    return [
        replace(
            sample,
            question=shorten(sample.question, STEP_CHARACTERS),
            thinking=shorten(sample.thinking, TRACE_CHARACTERS // 2),
            response=shorten(sample.response, STEP_CHARACTERS),
            steps=steps[sample.revision_id],
        )
        for sample in samples
    ]


def shorten(text: str, limit: int) -> str:
    """Shorten a long text in the middle, with a note of how many characters are missing."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]} […{len(text) - 2 * half:,} characters…] {text[-half:]}"


def _shortened(step: ExampleStep) -> ExampleStep:
    return replace(
        step,
        original=shorten(step.original.strip(), STEP_CHARACTERS),
        revised_text=step.revised_text and shorten(step.revised_text.strip(), STEP_CHARACTERS),
        reason=shorten(step.reason, 200),
    )
