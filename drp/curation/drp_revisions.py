"""The curation `drp`: the accepted revisions."""

from collections.abc import Iterable, Iterator

from drp.curation.protocol import Candidate, make_example
from drp.curation.training_example import Example


def drp_revisions(candidates: Iterable[Candidate]) -> Iterator[Example]:
    """Use the accepted revisions (paper, section 3.3)."""
    for candidate in candidates:
        if candidate.revised_thinking is not None and candidate.revised_response is not None:
            yield make_example(candidate, candidate.revised_thinking, candidate.revised_response)
