"""The numbers behind the charts of the reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

TREND_DAYS = 14
"""Tonight and the days before it that a trend looks back on."""


@dataclass(frozen=True)
class Trend:
    """A share by night of the last 14 days; a day without a night is not there."""

    name: str
    tonight: date
    shares: Mapping[date, float]

    @property
    def days(self) -> Sequence[date]:
        """All days, tonight the last."""
        return [self.tonight - timedelta(days=ago) for ago in reversed(range(TREND_DAYS))]

    @property
    def now(self) -> float | None:
        """Tonight's share."""
        return self.shares.get(self.tonight)

    @property
    def usual(self) -> float | None:
        """Median of the earlier nights; None if there was none."""
        earlier = [share for day, share in self.shares.items() if day != self.tonight]
        return median(earlier) if earlier else None


@dataclass(frozen=True)
class LengthHistogram:
    """Normalised lengths of one data set's accepted revisions before and after (paper, figure 3).

    `before` and `after` count revisions in 100 equal steps of `full_length`, and in a last one the longer.
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
    """Shares of the right answers that at most `tokens` recover, before and after."""

    tokens: int
    before: float
    after: float


@dataclass(frozen=True)
class Recovered:
    """Right answers by budget of tokens (paper, figure 4), where one counter counted. Budgets rise."""

    token_counter: str
    right_answers: int
    budgets: Sequence[Budget]

    def needed(self, share: float) -> tuple[int | None, int | None]:
        """The smallest budgets that recover `share` of them before and after; None where none does."""
        before = (b.tokens for b in self.budgets if b.before >= share)
        after = (b.tokens for b in self.budgets if b.after >= share)
        return next(before, None), next(after, None)
