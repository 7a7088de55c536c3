"""A curation: rollouts and their revisions in, training examples out. An arm of a comparison is one of them.

    for example in random_prune(candidates): ...

They are found by name through the entry points of the group `drp.curations`.

All arms that prune, and the unpruned one, train on the same rollouts: those whose revision was accepted. What
differs is the text, and nothing else.
"""

import random
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

from drp.curation.examples import Example


@dataclass(frozen=True)
class Candidate:
    """A right rollout of a question, and its revision if that was accepted; ordered by question."""

    rollout_id: str
    question_id: str
    question: str
    thinking: str
    response: str
    total_tokens: int
    revised_thinking: str | None
    revised_response: str | None


Curation: TypeAlias = Callable[[Iterable[Candidate]], Iterator[Example]]

_SENTENCE = re.compile(r"\S.*?(?:[.!?](?=\s)|\n\n|$)\s*", re.DOTALL)


def drp_revisions(candidates: Iterable[Candidate]) -> Iterator[Example]:
    """The accepted revisions (paper, section 3.3)."""
    for candidate in candidates:
        if candidate.revised_thinking is not None and candidate.revised_response is not None:
            yield _example(candidate, candidate.revised_thinking, candidate.revised_response)


def unpruned_sft(candidates: Iterable[Candidate]) -> Iterator[Example]:
    """The same rollouts as they were: what fine-tuning on one's own right answers does by itself."""
    for candidate in candidates:
        if candidate.revised_thinking is not None:
            yield _example(candidate, candidate.thinking, candidate.response)


def random_prune(candidates: Iterable[Candidate]) -> Iterator[Example]:
    """Random sentences of the same rollouts, in order, as long as the revision, with its answer summary.

    What is left has the same length and says the same answer: only the choice of what to drop is chance.
    """
    for candidate in candidates:
        if candidate.revised_thinking is None or candidate.revised_response is None:
            continue
        sentences = _SENTENCE.findall(candidate.thinking)
        order = list(range(len(sentences)))
        random.Random(candidate.rollout_id).shuffle(order)  # noqa: S311
        room, kept = len(candidate.revised_thinking), set[int]()
        for index in order:
            length = len(sentences[index])
            if length / 2 <= room:  # over or under by half a sentence: on the whole they match
                kept.add(index)
                room -= length
        text = "".join(sentences[index] for index in sorted(kept)).strip()
        yield _example(candidate, text, candidate.revised_response)


def best_of_n(candidates: Iterable[Candidate]) -> Iterator[Example]:
    """The shortest right rollout of each question, as it was."""
    for _, some in groupby(candidates, key=lambda candidate: candidate.question_id):
        shortest = min(some, key=lambda candidate: (candidate.total_tokens, candidate.rollout_id))
        yield _example(shortest, shortest.thinking, shortest.response)


def _example(candidate: Candidate, thinking: str, response: str) -> Example:
    return Example(candidate.rollout_id, candidate.question_id, candidate.question, thinking, response)
