"""Examples of accepted revisions: the student's steps, and the decision on each.

The sample consists of the revisions with the lowest hashes of their ids. It is random but reproducible, and
only its texts are read.
"""

from dataclasses import replace

import duckdb

from drp.report.nightly.page_data import NightFacts
from drp.reviews import PairStep, RevisionPair, read_pairs

SAMPLES = 10
STEP_CHARACTERS = 1_500
"""Longer steps are shortened in the middle."""
TRACE_CHARACTERS = 16_000
"""Later steps are left out of the page, because a trace can have half a million characters."""

_CHOSEN = """
SELECT revision_id FROM revisions
WHERE run_date = $run_date AND recipe_hash = $recipe_hash AND status = 'accepted' AND thinking IS NOT NULL
ORDER BY md5(revision_id) LIMIT $samples
"""


def read_examples(con: duckdb.DuckDBPyConnection, night: NightFacts) -> list[RevisionPair]:
    """Return up to ten accepted revisions of the night, shortened to keep the page small."""
    tonight = {"run_date": night.run_date, "recipe_hash": night.recipe_hash}
    chosen = [row[0] for row in con.execute(_CHOSEN, tonight | {"samples": SAMPLES}).fetchall()]
    return [_shortened(pair) for pair in read_pairs(con, chosen, before_character=TRACE_CHARACTERS)]


def shorten(text: str, limit: int) -> str:
    """Shorten a long text in the middle, with a note of how many characters are missing."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]} […{len(text) - 2 * half:,} characters…] {text[-half:]}"


def _shortened(pair: RevisionPair) -> RevisionPair:
    remaining, steps = TRACE_CHARACTERS, []
    for step in map(_shortened_step, pair.steps):
        remaining -= len(step.original) + len(step.revised_text or "") + len(step.reason)
        if remaining >= 0:
            steps.append(step)
    return replace(
        pair,
        question=shorten(pair.question, STEP_CHARACTERS),
        thinking=shorten(pair.thinking or "", TRACE_CHARACTERS // 2),
        response=shorten(pair.response or "", STEP_CHARACTERS),
        steps=steps,
    )


def _shortened_step(step: PairStep) -> PairStep:
    return replace(
        step,
        original=shorten(step.original.strip(), STEP_CHARACTERS),
        revised_text=step.revised_text and shorten(step.revised_text.strip(), STEP_CHARACTERS),
        reason=shorten(step.reason, 200),
    )
