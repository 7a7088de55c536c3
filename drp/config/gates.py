"""Thresholds of the gates: limits for single revisions, and bands for a whole night."""

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

from drp.config.section import Section, Share


def _ordered(band: tuple[float, float]) -> tuple[float, float]:
    if band[0] > band[1]:
        raise ValueError("a band is [lowest, highest]")
    return band


Band: TypeAlias = Annotated[tuple[Share, Share], AfterValidator(_ordered)]


class RowGates(Section):
    """Limits of the row gates."""

    min_characters: int = Field(ge=0)
    """`hollow`: a pruned trace shorter than this has too little left to follow."""
    min_share: Share
    """`hollow`: likewise, as a share of the trace it came from."""


class NightBands(Section):
    """Table thresholds: a night outside one of them is quarantined."""

    min_rollouts: int = Field(ge=1)
    """Smaller nights are not judged by their shares: chance alone would stop them."""
    right_share: Band
    """Share of rollouts that may be sent to the teacher (finished, right, no leak, no duplicate)."""
    accepted_share: Band
    """Share of those that end accepted."""
    median_saving: Band
    """Median over accepted revisions of 1 - tokens after / tokens before."""


class Gates(Section):
    """What a revision, and a night, must pass."""

    rows: RowGates
    night: NightBands
