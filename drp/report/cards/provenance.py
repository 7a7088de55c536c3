"""Where training examples come from: sources with their licences, who made them, and what was checked.

provenance = read_provenance(lake.published(3), ChosenExamples(recipe="drp"))
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from drp.core import CHARACTERS
from drp.lake import Addresses
from drp.query import select

LICENCE = "coalesce(q.meta->>'license', q.meta->>'licence', q.meta->>'License')"
"""The licence of a question `q`, as the file that it was imported from says; NULL where it does not."""
NOT_RECORDED = "not recorded"
BENCHMARKS = "GSM8K (test), MATH500, AIME24, AIME25 and AMC23"
"""What `drp.gates.LeakIndex` covers."""

_CHOSEN = """
FROM revisions v
JOIN rollouts r ON r.rollout_id = v.rollout_id
JOIN questions q ON q.question_id = r.question_id
WHERE ($recipe = '' OR v.recipe = $recipe) AND ($recipe_hash = '' OR v.recipe_hash = $recipe_hash)
  AND ($student = '' OR r.student = $student)
"""
_SOURCES = f"""
SELECT q.dataset, q.split, q.source, {LICENCE} AS licence, count(*) AS examples
{_CHOSEN} AND v.status = 'accepted' GROUP BY ALL
ORDER BY examples DESC, q.dataset, q.split, q.source
"""
_MAKERS = f"""
SELECT r.student, v.teacher, v.prompt_version, v.recipe, count(*) AS examples,
       v.token_counter = $characters AS in_characters,
       avg(r.total_tokens) FILTER (r.token_counter = v.token_counter) AS before,
       avg(v.tokens) FILTER (r.token_counter = v.token_counter) AS after
{_CHOSEN} AND v.status = 'accepted' GROUP BY r.student, v.teacher, v.prompt_version, v.recipe, in_characters
ORDER BY examples DESC, r.student, v.teacher, v.recipe, in_characters
"""
_CHECKED = f"""
SELECT count(*) AS revisions, count(*) FILTER (v.status = 'accepted') AS accepted,
       count(*) FILTER (list_contains(v.reject_reasons, 'benchmark_leak')) AS leaks
{_CHOSEN}
"""


@dataclass(frozen=True)
class ChosenExamples:
    """Which examples of a corpus version: those of a recipe (name or hash) and a student; empty is any."""

    recipe: str = ""
    recipe_hash: str = ""
    student: str = ""


@dataclass(frozen=True)
class Provenance:
    """Rows of sources and of makers, and the counts of what was checked."""

    sources: Sequence[Mapping[str, Any]]
    makers: Sequence[Mapping[str, Any]]
    revisions: int
    accepted: int
    leaks: int
    """Rollouts that were rejected because their question is one of a benchmark."""

    @property
    def licence(self) -> str:
        """The licence of all sources; `unknown` if one is not recorded, `other` if there are several."""
        licences = {row["licence"] for row in self.sources}
        if not licences or None in licences:
            return "unknown"
        return str(licences.pop()).lower() if len(licences) == 1 else "other"

    def source_table(self) -> str:
        """Return the sources as a Markdown table."""
        rows = [
            (
                row["dataset"],
                row["split"],
                row["source"],
                row["licence"] or NOT_RECORDED,
                f"{row['examples']:,}",
            )
            for row in self.sources
        ]
        return markdown_table(("data set", "split", "source", "licence", "examples"), rows)

    def maker_table(self) -> str:
        """Return who made the examples, with mean lengths, as a Markdown table."""
        rows = [
            (
                row["student"],
                f"{row['teacher']} ({row['prompt_version']})",
                row["recipe"],
                f"{row['examples']:,}",
                _lengths(row),
            )
            for row in self.makers
        ]
        return markdown_table(("student", "teacher", "recipe", "examples", "mean length"), rows)

    def checks(self) -> str:
        """Return what was checked against benchmarks, and what was found, as a paragraph."""
        return (
            f"Every question was compared with {BENCHMARKS}, and with the evaluation questions of the corpus"
            f" (the same text, or 13 words in a row). Of {self.revisions:,} rollouts"
            f" {self.leaks:,} were rejected as a benchmark's question (`benchmark_leak`);"
            f" {self.accepted:,} passed all gates. The check compares texts: it does not find a benchmark's"
            " question in other words or another language."
        )


def read_provenance(addresses: Addresses, chosen: ChosenExamples) -> Provenance:
    """Read where the chosen examples of a corpus version come from."""
    parameters = asdict(chosen)
    (checked,) = select(addresses, _CHECKED, parameters)
    makers = select(addresses, _MAKERS, parameters | {"characters": CHARACTERS})
    return Provenance(list(select(addresses, _SOURCES, parameters)), list(makers), **checked)


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table. Texts of others cannot break it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _lengths(row: Mapping[str, Any]) -> str:
    """The mean length before and after, in the unit in which both were counted."""
    if row["before"] is None:
        return ""
    unit = "characters" if row["in_characters"] else "tokens"
    return f"{row['before']:,.0f} → {row['after']:,.0f} {unit}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "&#124;")
