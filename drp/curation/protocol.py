"""What a curation is: a function from candidates to training examples. Each arm of a comparison uses one.

Curations are found by name in the entry points of the group `drp.curations`. Those of DRP train on the same
rollouts, those whose revision was accepted, unless they say otherwise: only the texts differ.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from drp.curation.training_example import Example


@dataclass(frozen=True)
class Candidate:
    """A right rollout of a question, with its revision if that was accepted."""

    rollout_id: str
    question_id: str
    question: str
    thinking: str
    response: str
    total_tokens: int
    revised_thinking: str | None
    revised_response: str | None
    count: Callable[[str], int] = len
    """Returns the length of a thinking in the unit of `total_tokens`. The default counts characters."""


Curation: TypeAlias = Callable[[Iterable[Candidate]], Iterator[Example]]


def make_example(candidate: Candidate, thinking: str, response: str) -> Example:
    """The example that teaches this thinking and response for the candidate's question."""
    return Example(candidate.rollout_id, candidate.question_id, candidate.question, thinking, response)
