"""The control `summary_only`: no thinking, only the student's own answer summary."""

from collections.abc import Iterable, Iterator

from drp.curation.protocol import Candidate, make_example
from drp.curation.training_example import Example


def summary_only(candidates: Iterable[Candidate]) -> Iterator[Example]:
    """Delete the thinking of the same rollouts and keep their answer summary unchanged.

    It measures what the thinking is worth. If a student that is trained on summaries alone is as accurate as
    one that is trained on revisions, the thinking was not needed, and shorter thinking proves nothing. The
    summary is not moved into the thinking, because then it would be taught twice or be missing from the
    response.
    """
    for candidate in candidates:
        if candidate.revised_thinking is not None:
            yield make_example(candidate, "", candidate.response)
