"""The numbers of a night, for its page and for the terminal. `read_numbers` reads them from the views.

numbers = read_numbers(open_session(night.visible_parts()), night)
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt
from typing import Literal, TypeAlias

from drp.lake import StageCounts
from drp.report.chart_data import LengthHistogram, Recovered, ReviewedNight, Trend
from drp.student import small

_TREND_NIGHTS = 3
"""Earlier nights needed before a share can count as unusual."""
_CHANCE = 3.0
"""Standard errors above the usual share that count as more than chance."""

NightOutcome: TypeAlias = Literal["published", "quarantined", "unfinished", "nothing new", "discarded"]


@dataclass(frozen=True)
class NightFacts:
    """Facts about a night that its tables do not hold.

    `detail` explains `outcome`: "version 3", or the thresholds that were missed. `docs_link` is the address
    of the Data Docs, relative to the page. `recipe_hash` selects tonight's revisions.
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
        """Parameters of the page's queries."""
        return {
            "run_id": self.run_id,
            "run_date": self.run_date,
            "recipe": self.recipe,
            "recipe_hash": self.recipe_hash,
        }

    @property
    def source(self) -> str:
        """`drp sql` option for the night's rows: if not published, they are only in the run."""
        return f" --run {self.run_id}" if self.outcome in ("quarantined", "unfinished") else ""


@dataclass(frozen=True)
class Balance:
    """Row counts that must add up; all 0 without input."""

    rows_in: int = 0
    rollouts: int = 0
    accepted: int = 0
    rejected: int = 0
    dead_lettered: int = 0
    without_revision: int = 0
    adds_up: bool = True
    left_pending: int = 0


@dataclass(frozen=True)
class StudentSummary:
    """A student, its rollouts, and how many of them are right."""

    name: str
    engine: str
    rollouts: int
    right: int

    @property
    def label(self) -> str:
        """Display name."""
        return f"{small.label(self.name)} ({self.engine})"

    @property
    def is_small(self) -> bool:
        """Whether this is the small student bundled with DRP."""
        return small.is_small(self.name)


@dataclass(frozen=True)
class Saving:
    """Tokens of a data set before and after, over the `compared` revisions that share a token counter.

    The medians and the saving are None if there are no such revisions.
    """

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
    """A night of the recipe: its shares, and the median saving of its revisions."""

    run_date: date
    rollouts: int
    right: float
    accepted: float
    saving: float | None


@dataclass(frozen=True)
class RejectReasonCount:
    """A reject reason: tonight's count of rejected rollouts, and its share of each night's rollouts."""

    name: str
    rejected: int
    rollouts: int
    trend: Trend

    @property
    def is_rising(self) -> bool:
        """Whether tonight's share exceeds the usual one by more than chance."""
        usual, now = self.trend.usual, self.trend.now
        if usual is None or now is None or len(self.trend.shares) <= _TREND_NIGHTS:
            return False
        expected = max(usual, 1 / self.rollouts)
        return now > expected + _CHANCE * sqrt(expected * (1 - expected) / self.rollouts)


@dataclass(frozen=True)
class FaultCount:
    """A kind of fault: how many of tonight's judged revisions have it, and its share of each night's."""

    name: str
    minor: int
    moderate: int
    severe: int
    trend: Trend


@dataclass(frozen=True)
class FaultyRevision:
    """A revision that a person called moderate or severe."""

    revision_id: str
    verdict: str
    fault: str
    reviewer: str
    note: str | None


@dataclass(frozen=True)
class Reviews:
    """What people said of the accepted revisions of the last 14 days; empty if nobody has read any.

    `faults` are sorted by frequency; some occur only in earlier nights. `faulty` are tonight's, the gravest
    first.
    """

    nights: Sequence[ReviewedNight]
    tonight: ReviewedNight | None
    faults: Sequence[FaultCount]
    faulty: Sequence[FaultyRevision]


@dataclass(frozen=True)
class Numbers:
    """All numbers of a night.

    `nights` are those of the last 14 days, by date. Tonight is the last one if it has revisions.
    `saving_steps` counts revisions by saving, in 20 bins of 5 %. `actions` counts steps by skill family
    (largest first) and action. `reasons` are sorted by frequency; some occur only in earlier nights.
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
    reviews: Reviews

    @property
    def trends(self) -> Sequence[Trend]:
        """Trends of the headline shares. Nights without a known saving are absent from its trend."""
        if self.tonight is None:
            return []
        day = self.tonight.run_date
        return [
            Trend("answered right", day, {night.run_date: night.right for night in self.nights}),
            Trend("accepted", day, {night.run_date: night.accepted for night in self.nights}),
            Trend(
                "median saving",
                day,
                {night.run_date: night.saving for night in self.nights if night.saving is not None},
            ),
        ]

    @property
    def all_actions(self) -> Mapping[str, int]:
        """Number of steps by action, over all skill families."""
        total: Counter[str] = Counter()
        for steps in self.actions.values():
            total.update(steps)
        return total
