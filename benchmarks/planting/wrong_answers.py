"""Traces with wrong final answers, of every kind in `answer_forms` and `graded_forms`, and right ones beside.

    items(sources, seed, per_kind=12, controls=2) -> [AnswerItem, ...]

A source is a sound trace: recorded, a reference solution thought aloud, or a generated word problem. What is
planted is its final answer. Half of the wrong traces have a right thinking, half state the wrong answer there
too.
"""

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from benchmarks.planting import text
from benchmarks.planting.answer_forms import FOUND, Form, Template
from benchmarks.planting.graded_forms import GRADED, MARKED
from benchmarks.planting.sources import Revision
from benchmarks.planting.thinking_aloud import thought_aloud
from drp.core import Question
from drp.gates import LeakIndex
from tests.grading.adversarial_pairs import MUTATIONS

Role: TypeAlias = Literal["wrong trace", "wrong revision", "right"]
"""What is wrong: the student's answer; only the answer of a careless LLM to a right trace; nothing."""

FORMS: Mapping[str, Form] = {
    **{f"found: {form.kind}": form for form in FOUND},
    **{f"graded: {form.kind}": form for form in GRADED},
}
MUTATED = tuple(f"mutated gold: {name}" for name in MUTATIONS if name not in {"unit", "tiny"})
"""Kinds whose gold is the answer of the source, unchanged. Two rules need a special gold answer."""
LONGEST = 12_000
"""Most characters of a source's thinking."""

_ONES = (
    *("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_NUMBER = re.compile(r"[1-9]\d*")


class AnswerItem(NamedTuple):
    """One recorded trace; `answer` is gold, `revised` what a careless LLM answers, if not the response."""

    role: Role
    kind: str
    question: str
    thinking: str
    response: str
    answer: str
    revised: str | None = None


class _Stated(NamedTuple):
    gold: str
    wrong: str
    right: str
    ask: str


def items(sources: Iterable[Revision], seed: int, per_kind: int = 12, controls: int = 2) -> list[AnswerItem]:
    """Make `per_kind` wrong traces, `per_kind` wrong revisions and `controls` right traces of every kind.

    No two items have the same question. There are fewer where the sources have no fitting answers left.
    """
    rng = text.seeded(seed, "answers")
    leaks = LeakIndex()
    pool = [
        source
        for source in sources
        if len(source.original) <= LONGEST
        and leaks.leak(Question("", "", "train", source.question, source.answer, "")) is None
    ]
    made: list[AnswerItem] = []
    roles: list[Role] = ["wrong trace", "wrong revision"] * per_kind + ["right"] * controls
    for kind in (*FORMS, *MUTATED):
        for role in roles:
            for index, source in enumerate(pool):
                stated = _stated(rng, kind, source)
                if stated:
                    made.append(_item(rng, role, kind, pool.pop(index), stated))
                    break
    return _with_questions_of_their_own(made)


def _stated(rng: random.Random, kind: str, source: Revision) -> _Stated | None:
    if kind in FORMS:
        return _of_form(rng, FORMS[kind], source.answer)
    gold = source.answer
    changed = MUTATIONS[kind.removeprefix("mutated gold: ")](rng, gold)
    if not isinstance(changed, str):
        return None
    if source.response.count(f"\\boxed{{{gold}}}") == 1 and f"{gold}$" not in source.response:
        return _Stated(
            gold, source.response.replace(f"\\boxed{{{gold}}}", f"\\boxed{{{changed}}}"), source.response, ""
        )
    outer = rng.choice(MARKED)
    return _Stated(gold, outer.replace("@x", changed), outer.replace("@x", gold), "")


def _of_form(rng: random.Random, form: Form, answer: str) -> _Stated | None:
    if not _NUMBER.fullmatch(answer) or not form.low <= int(answer) <= form.high:
        return None
    names = _numbers(rng, answer)
    gold, wrong, right, ask = (
        Template(template).substitute(names)
        for template in (form.gold, rng.choice(form.wrong), rng.choice(form.right), form.ask)
    )
    return _Stated(gold, wrong, right, ask)


def _numbers(rng: random.Random, answer: str) -> Mapping[str, object]:
    """The values of the templates' names; see `answer_forms`."""
    at = rng.randrange(len(answer))
    other = rng.choice([digit for digit in "123456789" if abs(int(digit) - int(answer[at])) > 1])
    changed = answer[:at] + other + answer[at + 1 :]
    left = sorted(set("23456789") - set(answer + changed)) or ["2", "3"]
    first, second = sorted(rng.sample(left, 2)) if len(left) > 1 else (left[0], left[0] + "1")
    value, wrong = int(answer), int(changed)
    return {
        **{"v": value, "w": wrong, "a": first, "b": second, "n": value + 1},
        **{"vc": f"{value:,}", "wc": f"{wrong:,}", "vw": _in_words(value), "ww": _in_words(wrong)},
    }


def _in_words(number: int) -> str:
    """A number below 100 in words; digits for others, which no template puts in words."""
    if number < len(_ONES):
        return _ONES[number]
    if number > 99:
        return str(number)
    return "-".join(filter(None, (_TENS[number // 10 - 2], _ONES[number % 10])))


def _item(rng: random.Random, role: Role, kind: str, source: Revision, stated: _Stated) -> AnswerItem:
    thinking = source.original
    if thinking == source.revised:
        thinking = thought_aloud(rng, thinking, source.question)
    question = source.question.strip()
    if stated.ask:
        question = f"{question} Let n be that number. {stated.ask}"
        thinking = f"{thinking}\n\nThat number is n, so n = {source.answer}."
    is_wrong = role == "wrong trace"
    says_it = rng.random() < 0.5
    if stated.ask or (is_wrong and says_it):
        thinking = f"{thinking}\n\n{stated.wrong if is_wrong and says_it else stated.right}"
    response = stated.wrong if is_wrong else stated.right
    revised = {"wrong trace": rng.choice([None, stated.right]), "wrong revision": stated.wrong, "right": None}
    return AnswerItem(role, kind, question, thinking, response, stated.gold, revised[role])


def _with_questions_of_their_own(made: Sequence[AnswerItem]) -> list[AnswerItem]:
    """Leave out items whose question another one has: the careless LLM knows an item by its question."""
    return list({item.question: item for item in made}.values())
