"""Generate word problems with exact answers, for runs without data, a GPU or a model hub.

    for question in generate(size=400, seed=0): ...
    for question in generate(size=400, seed=0, level="small", split="test"): ...

A problem depends only on its `source` ("synthetic-1/<seed>/<draw>", "small-1/<split>/<seed>/<draw>"): a
larger size adds problems and changes none. No text occurs twice within a seed. The problems of level `small`
are made for the student bundled with DRP (`drp.questions.generators.small_student_problems`). Those of
`small-longer` measure whether it solves more than what it is fine-tuned with. Their splits are disjoint for
all seeds.
"""

import random
import re
from collections.abc import Iterator
from itertools import count

from drp.config import SPLITS, Level, Split, dataset_name
from drp.core import Question, question_id
from drp.questions.generators import small_student_problems
from drp.questions.generators.problem_types import Problem
from drp.questions.generators.standard_problems import FAMILIES

VERSION = "synthetic-1"
"""Raised whenever the problems of any seed of level `standard` may change."""
SMALL_VERSION = "1"
"""The same for the other levels."""

_STEPS: dict[Level, small_student_problems.Steps] = {
    "small": small_student_problems.SHORT,
    "small-longer": small_student_problems.LONGER,
}
_SOURCE = re.compile(
    r"(?P<name>[a-z0-9/-]{1,40})/\d{1,20}/\d{1,20}"
)  # as written by `generate`: seed and draw


def _name(level: Level, split: Split) -> str:
    return VERSION if level == "standard" else f"{level}-{SMALL_VERSION}/{split}"


_LEVEL_AND_SPLIT = {
    _name(level, split): (level, split) for level, splits in SPLITS.items() for split in splits
}


def generate(size: int, seed: int, level: Level = "standard", split: Split = "train") -> Iterator[Question]:
    """Yield the first `size` problems of `seed`.

    Raises:
        ValueError: the level does not have this split.
    """
    if split not in SPLITS[level]:
        raise ValueError(f"level {level} has no split {split} (it has: {', '.join(SPLITS[level])})")
    seen: set[str] = set()
    for draw in count():
        if len(seen) == size:
            return
        source = f"{_name(level, split)}/{seed}/{draw}"
        problem = problem_from_source(source)
        assert problem is not None  # noqa: S101 - `source` has the format parsed there
        gold = str(problem.answer)
        content = question_id(split, problem.text, gold)
        if content not in seen:
            seen.add(content)
            yield Question(content, dataset_name(level), split, problem.text, gold, source)


def problem_from_source(source: str) -> Problem | None:
    """Return the problem behind `Question.source`; None if this version did not generate it."""
    match = _SOURCE.fullmatch(source)
    if not match or match["name"] not in _LEVEL_AND_SPLIT:
        return None
    level, split = _LEVEL_AND_SPLIT[match["name"]]
    rng = random.Random(source)  # noqa: S311
    if level == "standard":
        return rng.choice(FAMILIES)(rng)
    return small_student_problems.draw(rng, split, _STEPS[level])
