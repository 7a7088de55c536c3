"""What a night comes to, in numbers: read by SQL from the views of sql/, for the page and for the terminal.

numbers = read_numbers(open_session(night.visible()), night)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeAlias

import duckdb

SCRIPTED = "scripted"
"""The engine that is no model: pages say so."""

Outcome: TypeAlias = Literal["published", "quarantined", "unfinished", "nothing new"]


@dataclass(frozen=True)
class StageFacts:
    """What one stage did: seconds it was busy, what it counted, what a person should know."""

    stage: str
    seconds: float
    counts: Mapping[str, int]
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class NightFacts:
    """What the tables do not tell of a night.

    `detail` goes on where `outcome` stops: "version 3", or the thresholds that were missed. `docs_link` is
    the address of the Data Docs, relative to the page. `recipe_hash` picks tonight's revisions.
    """

    run_id: str
    run_date: date
    recipe: str
    recipe_hash: str
    outcome: Outcome
    detail: str = ""
    docs_link: str | None = None
    stages: Sequence[StageFacts] = ()


@dataclass(frozen=True)
class Balance:
    """The counts that must add up; all 0 when nothing went in."""

    rows_in: int = 0
    rollouts: int = 0
    accepted: int = 0
    rejected: int = 0
    dead_lettered: int = 0
    without_revision: int = 0
    adds_up: bool = True


@dataclass(frozen=True)
class Student:
    """Who reasoned, and how often right."""

    name: str
    engine: str
    rollouts: int
    right: int

    @property
    def label(self) -> str:
        """Name for a reader; a script is never passed off as a model."""
        return f"{self.name} - no model, a script" if self.is_script else f"{self.name} ({self.engine})"

    @property
    def is_script(self) -> bool:
        """Whether no model reasoned at all."""
        return self.engine == SCRIPTED


@dataclass(frozen=True)
class Saving:
    """Tokens of one data set before and after, where one counter counted both; None where there are none."""

    dataset: str
    token_counter: str
    rollouts: int
    accepted: int
    compared: int
    median_before: float | None
    median_after: float | None
    saving: float | None


@dataclass(frozen=True)
class Reason:
    """One reason and how many rollouts it refused."""

    name: str
    rejected: int
    share_of_rollouts: float


@dataclass(frozen=True)
class LengthBin:
    """Traces with a thinking of bin_from to below bin_to tokens."""

    bin_from: int
    bin_to: int
    before: int
    after: int


@dataclass(frozen=True)
class Numbers:
    """All of a night's numbers.

    `lengths` are by token counter, `saving_steps` counts revisions by saving in 20 steps of 5 %, `actions`
    counts steps by skill family (the largest first) and action.
    """

    balance: Balance
    students: Sequence[Student]
    teachers: Sequence[str]
    savings: Sequence[Saving]
    median_saving: float | None
    saving_steps: Sequence[int]
    reasons: Sequence[Reason]
    lengths: Mapping[str, Sequence[LengthBin]]
    actions: Mapping[str, Mapping[str, int]]

    @property
    def right_share(self) -> float | None:
        """Share of rollouts whose answer is right."""
        rollouts = sum(student.rollouts for student in self.students)
        return sum(student.right for student in self.students) / rollouts if rollouts else None

    @property
    def accepted_share(self) -> float | None:
        """Share of rollouts that ended accepted."""
        return self.balance.accepted / self.balance.rollouts if self.balance.rollouts else None


# A night without a single revision has no recipe in the accounting.
_BALANCE = """
SELECT rows_in, rollouts, accepted, rejected, dead_lettered, without_revision, adds_up FROM accounting
WHERE run_date = $run_date AND (recipe_hash = $recipe_hash OR recipe_hash IS NULL)
"""
_STUDENTS = """
SELECT r.student, r.engine, count(*), count(*) FILTER (r.verdict = 'equal')
FROM revisions v JOIN rollouts r USING (rollout_id)
WHERE v.run_date = $run_date AND v.recipe_hash = $recipe_hash
GROUP BY r.student, r.engine ORDER BY r.student, r.engine
"""
_TEACHERS = """
SELECT DISTINCT teacher FROM revisions
WHERE run_date = $run_date AND recipe_hash = $recipe_hash ORDER BY teacher
"""
_SAVINGS = """
SELECT dataset, token_counter, rollouts, accepted, compared, median_before, median_after, saving
FROM tokens_saved WHERE run_date = $run_date AND recipe_hash = $recipe_hash
ORDER BY rollouts DESC, dataset, token_counter
"""
_MEDIAN_SAVING = """
SELECT median(1 - v.tokens / r.total_tokens)
FROM revisions v JOIN rollouts r ON r.rollout_id = v.rollout_id AND r.token_counter = v.token_counter
WHERE v.run_date = $run_date AND v.recipe_hash = $recipe_hash AND v.status = 'accepted' AND r.total_tokens > 0
"""
_SAVING_STEPS = """
SELECT least(greatest(round(20 * saving_from), 0), 19)::INTEGER, sum(revisions)::BIGINT
FROM saving_distribution WHERE run_date = $run_date AND recipe_hash = $recipe_hash GROUP BY 1
"""
_REASONS = """
SELECT reason, sum(rejected)::BIGINT, sum(rejected) / $rollouts
FROM reject_reasons WHERE run_date = $run_date AND recipe_hash = $recipe_hash
GROUP BY reason ORDER BY 2 DESC, reason
"""
_LENGTHS = """
SELECT token_counter, bin_from, bin_to, before, after
FROM length_distribution WHERE run_date = $run_date AND recipe_hash = $recipe_hash
"""
_ACTIONS = """
SELECT skill_family, action, steps
FROM actions_by_skill WHERE run_date = $run_date AND recipe_hash = $recipe_hash
ORDER BY sum(steps) OVER (PARTITION BY skill_family) DESC, skill_family, action
"""


def read_numbers(con: duckdb.DuckDBPyConnection, night: NightFacts) -> Numbers:
    """The numbers of a night from a session in which all its tables, and the rollouts it refers to, are."""
    tonight = {"run_date": night.run_date, "recipe_hash": night.recipe_hash}

    def rows(query: str, **more: object) -> list[tuple[Any, ...]]:
        return con.execute(query, tonight | more).fetchall()

    balance = next((Balance(*row) for row in rows(_BALANCE)), Balance())
    saving_steps = dict(rows(_SAVING_STEPS))
    lengths: dict[str, list[LengthBin]] = {}
    for counter, *bin_counts in rows(_LENGTHS):
        lengths.setdefault(counter, []).append(LengthBin(*bin_counts))
    actions: dict[str, dict[str, int]] = {}
    for family, action, steps in rows(_ACTIONS):
        actions.setdefault(family, {})[action] = steps
    return Numbers(
        balance=balance,
        students=[Student(*row) for row in rows(_STUDENTS)],
        teachers=[name for (name,) in rows(_TEACHERS)],
        savings=[Saving(*row) for row in rows(_SAVINGS)],
        median_saving=rows(_MEDIAN_SAVING)[0][0],
        saving_steps=[saving_steps.get(step, 0) for step in range(20)],
        reasons=[Reason(*row) for row in rows(_REASONS, rollouts=balance.rollouts)],
        lengths=lengths,
        actions=actions,
    )
