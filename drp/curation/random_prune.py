"""The control `random_prune`: random sentences, together as long as the revision."""

import random
import re
from collections.abc import Iterable, Iterator

from drp.curation.protocol import Candidate, make_example
from drp.curation.training_example import Example

_SENTENCE = re.compile(r"\S.*?(?:[.!?](?=\s)|\n\n|$)\s*", re.DOTALL)


def random_prune(candidates: Iterable[Candidate]) -> Iterator[Example]:
    """Use random sentences of the same rollouts, in order, with the answer summary of the revision.

    Together they are as long as the revision, so that the selection of sentences is the only difference.
    """
    for candidate in candidates:
        if candidate.revised_thinking is None or candidate.revised_response is None:
            continue
        sentences = _SENTENCE.findall(candidate.thinking)
        order = list(range(len(sentences)))
        random.Random(candidate.rollout_id).shuffle(order)  # noqa: S311
        remaining, kept = len(candidate.revised_thinking), set[int]()
        for index in order:
            length = len(sentences[index])
            if length / 2 <= remaining:  # off by up to half a sentence, which averages out
                kept.add(index)
                remaining -= length
        text = "".join(sentences[index] for index in sorted(kept)).strip()
        yield make_example(candidate, text, candidate.revised_response)
