"""The control `unpruned_sft`: the same rollouts, not pruned."""

from collections.abc import Iterable, Iterator

from drp.curation.protocol import Candidate, make_example
from drp.curation.training_example import Example


def unpruned_sft(candidates: Iterable[Candidate]) -> Iterator[Example]:
    """Use the same rollouts unchanged, to measure the effect of fine-tuning on right answers alone."""
    for candidate in candidates:
        if candidate.revised_thinking is not None:
            yield make_example(candidate, candidate.thinking, candidate.response)
