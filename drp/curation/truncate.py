"""The controls `truncate_head` and `truncate_tail`: the end, or the beginning, of the same traces.

What is kept is as long as the revision of the trace, so that the choice of sentences is the only difference.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from drp.curation.protocol import Candidate, make_example
from drp.curation.training_example import Example
from drp.traces import unit_ends


def truncate_head(candidates: Iterable[Candidate]) -> Iterator[Example]:
    """Cut off the beginning of the same rollouts, and use the end with the answer summary of the revision.

    The cut is between two units: where the tokens of the thinking come nearest to those of the revision's
    thinking. At least one unit is kept.
    """
    for candidate in candidates:
        starts = (0, *unit_ends(candidate.thinking))[-2::-1]
        yield from _truncated(candidate, [slice(start, None) for start in starts])


def truncate_tail(candidates: Iterable[Candidate]) -> Iterator[Example]:
    """Cut off the end of the same rollouts, and use the beginning. Otherwise like `truncate_head`."""
    for candidate in candidates:
        yield from _truncated(candidate, [slice(end) for end in unit_ends(candidate.thinking)])


def _truncated(candidate: Candidate, parts: Sequence[slice]) -> Iterator[Example]:
    """Yield the candidate with the part of its thinking that is nearest in length to the revision.

    Args:
        candidate: yields nothing if its revision was not accepted.
        parts: from the shortest to the longest. They are searched by halving, because counting the tokens of
            all parts of a long trace would take seconds.
    """
    if candidate.revised_thinking is None or candidate.revised_response is None:
        return
    length = candidate.count(candidate.revised_thinking)

    def excess(part: slice) -> int:
        return candidate.count(candidate.thinking[part].strip()) - length

    first_longer = bisect_left(parts, 0, key=excess)
    neighbours = parts[max(first_longer - 1, 0) : first_longer + 1]
    nearest = min(neighbours, key=lambda part: abs(excess(part)))
    yield make_example(candidate, candidate.thinking[nearest].strip(), candidate.revised_response)
