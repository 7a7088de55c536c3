"""Data of the charts in the reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from drp.evaluation import Interval

TREND_DAYS = 14
"""Number of days in a trend, including tonight."""


@dataclass(frozen=True)
class Trend:
    """A share by night over the last 14 days. Days without a night are absent."""

    name: str
    tonight: date
    shares: Mapping[date, float]

    @property
    def days(self) -> Sequence[date]:
        """All days in order; tonight is the last."""
        return [self.tonight - timedelta(days=ago) for ago in reversed(range(TREND_DAYS))]

    @property
    def now(self) -> float | None:
        """Tonight's share; None if there is none."""
        return self.shares.get(self.tonight)

    @property
    def usual(self) -> float | None:
        """Median share of the earlier nights; None if there are none."""
        earlier = [share for day, share in self.shares.items() if day != self.tonight]
        return median(earlier) if earlier else None


@dataclass(frozen=True)
class ReviewedNight:
    """A night whose revisions people have read: how many were judged, and how grave the faults were.

    `share` is that of moderate and severe verdicts, with its 95 % interval.
    """

    run_date: date
    judged: int
    minor: int
    moderate: int
    severe: int
    share: Interval

    @property
    def sound(self) -> int:
        """Number of revisions without a fault."""
        return self.judged - self.minor - self.moderate - self.severe


@dataclass(frozen=True)
class LengthHistogram:
    """Normalised lengths of a data set's accepted revisions, before and after pruning (paper, figure 3).

    `before` and `after` count revisions in 100 equal bins up to `full_length`, plus a last bin for longer
    ones.
    """

    dataset: str
    token_counter: str
    full_length: int
    median_before: float
    median_after: float
    before: list[int]
    after: list[int]


@dataclass(frozen=True)
class Budget:
    """Share of right answers that need at most `tokens`, before and after pruning."""

    tokens: int
    before: float
    after: float


@dataclass(frozen=True)
class Recovered:
    """Right answers by token budget (paper, figure 4), for one token counter. Budgets are ascending."""

    token_counter: str
    right_answers: int
    budgets: Sequence[Budget]

    def needed(self, share: float) -> tuple[int | None, int | None]:
        """Return the smallest budgets that recover `share` of them before and after; None if none does."""
        before = (b.tokens for b in self.budgets if b.before >= share)
        after = (b.tokens for b in self.budgets if b.after >= share)
        return next(before, None), next(after, None)
