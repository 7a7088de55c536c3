"""The control `best_of_n`: the shortest right rollout of each question."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from drp.curation.protocol import Candidate, make_example
from drp.curation.training_example import Example


def best_of_n(candidates: Iterable[Candidate]) -> Iterator[Example]:
    """Use the shortest right rollout of each question, unchanged. Candidates must be ordered by question."""
    for _, group in groupby(candidates, key=lambda candidate: candidate.question_id):
        shortest = min(group, key=lambda candidate: (candidate.total_tokens, candidate.rollout_id))
        yield make_example(shortest, shortest.thinking, shortest.response)
