"""Thresholds of the gates: limits for single revisions, and bands for a whole night."""

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

from drp.config.section_base import Section, Share


def _ordered(band: tuple[float, float]) -> tuple[float, float]:
    if band[0] > band[1]:
        raise ValueError("a band must be [lowest, highest]")
    return band


Band: TypeAlias = Annotated[tuple[Share, Share], AfterValidator(_ordered)]


class RowGates(Section):
    """Limits of the row gates, which judge single revisions."""

    min_characters: int = Field(ge=0)
    """`hollow`: a shorter pruned trace is rejected, even if it derives something (`drp.derivation`)."""
    min_share: Share
    """`hollow`: the same limit as a share of the original trace."""


class NightBands(Section):
    """Limits of the table gates: a night outside one of these bands is quarantined."""

    min_rollouts: int = Field(ge=1)
    """The bands do not apply to smaller nights, whose shares vary too much by chance."""
    right_share: Band
    """Share of rollouts that may be sent to the teacher (finished, correct, no leak, no duplicate)."""
    accepted_share: Band
    """Share of those rollouts that end accepted."""
    median_saving: Band
    """Median of 1 - tokens after / tokens before, over accepted revisions."""


class Gates(Section):
    """The gates that a revision and a night must pass."""

    rows: RowGates
    night: NightBands
