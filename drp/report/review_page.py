"""A page on which people read sampled revisions next to their originals (`drp review --page`).

It is self-contained and has no scripts. Each pair has the commands that store a verdict.
"""

from collections.abc import Sequence

from drp.report.template import render
from drp.reviews import FAULTS, VERDICTS, RevisionPair, Selection


def build_review_page(
    run_id: str, chosen: Selection, reviewer: str, pairs: Sequence[RevisionPair], known: int
) -> str:
    """Build the page of a sample.

    Args:
        run_id: the night.
        chosen: what was sampled from.
        reviewer: for whom it was sampled.
        pairs: the revisions, with their originals. Their texts are not shortened.
        known: the number of revisions of this night that the reviewer has judged.
    """
    return render(
        "review.html",
        run_id=run_id,
        what=chosen.text,
        reviewer=reviewer,
        pairs=pairs,
        known=known,
        verdicts=VERDICTS,
        faults=FAULTS,
    )
