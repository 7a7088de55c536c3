"""What a night comes to, in numbers, for the page and for the terminal. `drp.report.nightly.load` reads them.

numbers = read_numbers(open_session(night.visible_parts()), night)
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt
from typing import Literal, TypeAlias

from drp.lake import StageCounts
from drp.report.chart_data import LengthHistogram, Recovered, Trend
from drp.student import small

_TREND_NIGHTS = 3
"""So many earlier nights make a habit that tonight can break."""
_CHANCE = 3.0
"""Standard errors that chance alone hardly ever takes a share away from its habit."""

NightOutcome: TypeAlias = Literal["published", "quarantined", "unfinished", "nothing new"]


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
    outcome: NightOutcome
    detail: str = ""
    docs_link: str | None = None
    stages: Sequence[StageCounts] = ()

    @property
    def parameters(self) -> Mapping[str, str | date]:
        """What the page's queries may name."""
        return {
            "run_id": self.run_id,
            "run_date": self.run_date,
            "recipe": self.recipe,
            "recipe_hash": self.recipe_hash,
        }

    @property
    def source(self) -> str:
        """A night that is published is in the corpus; one that is not has rows in its run only."""
        return f" --run {self.run_id}" if self.outcome in ("quarantined", "unfinished") else ""


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
class StudentSummary:
    """Who reasoned, and how often right."""

    name: str
    engine: str
    rollouts: int
    right: int

    @property
    def label(self) -> str:
        """Name for a reader."""
        return f"{small.label(self.name)} ({self.engine})"

    @property
    def is_small(self) -> bool:
        """Whether it is the one that ships with DRP."""
        return small.is_small(self.name)


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
class NightShares:
    """One night of the recipe: its shares, and the median of what its revisions save."""

    run_date: date
    rollouts: int
    right: float
    accepted: float
    saving: float | None


@dataclass(frozen=True)
class RejectReasonCount:
    """One reason, how many of tonight's rollouts it refused, and its share of each night's rollouts."""

    name: str
    rejected: int
    rollouts: int
    trend: Trend

    @property
    def is_rising(self) -> bool:
        """Whether tonight's share is further above the usual one than chance takes it."""
        usual, now = self.trend.usual, self.trend.now
        if usual is None or now is None or len(self.trend.shares) <= _TREND_NIGHTS:
            return False
        habit = max(usual, 1 / self.rollouts)
        return now > habit + _CHANCE * sqrt(habit * (1 - habit) / self.rollouts)


@dataclass(frozen=True)
class Numbers:
    """All of a night's numbers.

    `nights` are those of the last 14 days, by date; tonight is the last if anything was decided.
    `saving_steps` counts revisions by saving in 20 steps of 5 %, `actions` counts steps by skill family (the
    largest first) and action. `reasons` are the most frequent first; some refused earlier nights only.
    """

    balance: Balance
    nights: Sequence[NightShares]
    tonight: NightShares | None
    students: Sequence[StudentSummary]
    teachers: Sequence[str]
    savings: Sequence[Saving]
    saving_steps: Sequence[int]
    lengths: Sequence[LengthHistogram]
    recovered: Sequence[Recovered]
    reasons: Sequence[RejectReasonCount]
    actions: Mapping[str, Mapping[str, int]]

    @property
    def trends(self) -> Sequence[Trend]:
        """The shares that make a night's headline. A night without a saving to state is not in its trend."""
        if self.tonight is None:
            return []
        day = self.tonight.run_date
        return [
            Trend("answered right", day, {one.run_date: one.right for one in self.nights}),
            Trend("accepted", day, {one.run_date: one.accepted for one in self.nights}),
            Trend(
                "median saving",
                day,
                {one.run_date: one.saving for one in self.nights if one.saving is not None},
            ),
        ]

    @property
    def all_actions(self) -> Mapping[str, int]:
        """Steps of all skill families by action."""
        together: Counter[str] = Counter()
        for steps in self.actions.values():
            together.update(steps)
        return together
