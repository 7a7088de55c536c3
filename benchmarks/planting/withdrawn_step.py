"""A step that the original takes back, or does again with another result, is kept in the revision."""

import random
import re

from benchmarks.planting import text
from benchmarks.planting.fault import Fault, Planter, put
from benchmarks.planting.sources import Revision
from benchmarks.planting.thinking_aloud import REDONE, hedge, taken_back

_SWAPPED = {
    "+": "-×",
    "-": "+",
    "−": "+",
    "*": "+/",
    "×": "+",
    "/": "*",
    "÷": "×",
    "\\times": "+",
    "\\cdot": "+",
    "x": "+",
}
_BACK = re.compile(
    r"(?:[Ww]ait|[Hh]old on|[Hh]mm|[Nn]o,|[Aa]ctually|mistake|error|wrong|incorrect|not right"
    r"|can't be|messed up|confused|instead)"
)
_CONCLUDES = re.compile(
    r"^(?![Nn]o\b).*\b(?:answer|total|probability|number|result|sum|value|area|ways|arrangements"
    r"|outcomes)\b[^?]*"
    r"(?:\bis|\bare|\bbe|=)\s*\$?(?P<value>\d[\d,]*)(?: [a-z]+){0,2}\W*$",
    re.S,
)
_TAKEN_BACK = re.compile(
    r"^(?:But|Wait|Hmm|Hold on|No)\b(?!.*(?:make sure|didn't|check))[^?]*"
    r"(?:(?:that|it|this) can't be|contradict|not the case|not right|not correct|made a mistake|is wrong)"
)
_HEDGE = re.compile(
    r"^(?:So|Wait|Hmm|Well|Okay|Alright|Then|Now|And|But|Therefore|Thus)[,:]?\s+(?:so |that's |then )?"
)


def _step(rng: random.Random, revision: Revision, reason: str) -> tuple[text.Unit, str, str, str, str] | None:
    """A sentence with a true equation, the same gone wrong, and the numbers that a taking back names."""
    options = []
    for unit in text.units(revision.revised):
        words = re.findall(r"[A-Za-z]{3,}", unit.text)
        found = list(text.true_equations(unit.text))
        if len(words) >= 4 and len(found) == 1 and unit.text.count("=") == 1 and "boxed" not in unit.text:
            options.append((unit, found[0]))
    rng.shuffle(options)
    known = set(text.numbers(revision.question)) | set(text.numbers(revision.revised))
    for unit, equation in options:
        left, right, operator = (equation[name] for name in ("left", "right", "op"))
        value, other = equation["value"], right
        if reason == "slip":
            if len(value) < 2 or not (wrong := text.altered(rng, value, known)):
                continue
        elif reason == "operation":
            choices = _SWAPPED.get(operator.strip(), "")
            if not choices or "of " + left in unit.text:
                continue
            operator = rng.choice(choices)
            result = text.result(text.value_of(left), operator, text.value_of(right))
            if result is None or result.denominator != 1 or result < 2 or result == text.value_of(value):
                continue
            wrong = str(result)
        else:
            given = [
                n for n in text.numbers(revision.question) if n.isdigit() and n not in (left, right, "0", "1")
            ]
            if not given:
                continue
            other = rng.choice(given)
            result = text.result(text.value_of(left), operator, text.value_of(other))
            if result is None or result.denominator != 1 or result < 2 or result == text.value_of(value):
                continue
            wrong = str(result)
        new = f"{left}{equation['s1']}{operator}{equation['s2']}{other}{equation['eq']}{wrong}"
        tail = re.sub(rf"(?<![\d.,]){re.escape(value)}(?![\d%])", wrong, unit.text[equation.end() :])
        head = re.sub(rf"(?<![\d.,]){re.escape(value)}(?![\d%])", wrong, unit.text[: equation.start()])
        if (
            other != right
        ):  # the sentence must not name the number of the problem that the equation no longer has
            head = re.sub(rf"(?<![\d.,]){re.escape(right)}(?![\d%])", other, head)
        return unit, head + new + tail, wrong, right, other
    return None


def _planted(rng: random.Random, revision: Revision, reason: str, announced: bool) -> Fault | None:
    """The wrong step with its taking back in the original; without it in the revision."""
    step = _step(rng, revision, reason)
    if step is None:
        return None
    unit, gone_wrong, wrong, right, other = step
    before, after = revision.revised[: unit.start], revision.revised[unit.end :]
    gap = "\n" if "\n" in unit.text[len(unit.text.rstrip()) :] else " "
    back = taken_back(rng, reason, wrong, right, other) if announced else rng.choice(REDONE)
    middle = " ".join(filter(None, (gone_wrong.strip(), "" if announced else hedge(rng), back)))
    original = f"{before}{middle}{gap}{unit.text}{after}"
    if rng.random() < 0.5:
        fault = put(
            revision.revised,
            unit.start,
            unit.start,
            gone_wrong.strip() + gap,
            "withdrawn step kept, and the right one",
        )
    else:
        fault = put(
            revision.revised,
            unit.start,
            unit.end,
            gone_wrong,
            "withdrawn step kept in place of the right one",
        )
    return fault._replace(original=original)


def slip(rng: random.Random, revision: Revision) -> Fault | None:
    """A slip in arithmetic, taken back in words."""
    return _planted(rng, revision, "slip", announced=True)


def wrong_operation(rng: random.Random, revision: Revision) -> Fault | None:
    """A true equation with the wrong operation, taken back in words."""
    return _planted(rng, revision, "operation", announced=True)


def misread(rng: random.Random, revision: Revision) -> Fault | None:
    """A true equation with a number of the question that belongs elsewhere, taken back in words."""
    return _planted(rng, revision, "misread", announced=True)


def redone(rng: random.Random, revision: Revision) -> Fault | None:
    """A wrong step that is done again with another result, without a word about it."""
    return _planted(rng, revision, rng.choice(("slip", "operation")), announced=False)


_GUESSES = (
    (
        "Adding up what is given, {0}, so the answer would be {1}.|"
        "Hmm, that just adds everything, which is not what is asked."
    ),
    (
        "The quickest way is {0}, which means the answer is {1}.|"
        "But wait, this leaves out half of the conditions. Start again."
    ),
    (
        "I can simply take {0} and get {1} as the result.|"
        "That can't be right, these numbers measure different things."
    ),
    (
        "From the numbers of the problem {0}, and that settles it: {1}.|"
        "No, that was too quick. I skipped the actual question."
    ),
    (
        "Looking at the question, {0}. The result is therefore {1}.|"
        "On second thought that is nonsense; let me do it step by step."
    ),
    "We have {0}, so it must be {1}.|Does that make sense? Not really. A different approach, then.",
)


def abandoned_approach(rng: random.Random, revision: Revision) -> Fault | None:
    """A first approach to the whole question, with a different answer, that the original gives up."""
    given = [n for n in text.numbers(revision.question) if n.isdigit() and 1 < int(n) < 10_000]
    if revision.form not in {"gsm8k", "generated"} or len(given) < 2 or "boxed" in revision.revised:
        return None
    first, second = rng.sample(given, 2)
    sign = rng.choice("+×")
    result = int(first) + int(second) if sign == "+" else int(first) * int(second)
    if str(result) == text.spoken(revision.answer) or str(result) in text.numbers(revision.revised):
        return None
    kept, back = rng.choice(_GUESSES[0 if sign == "+" else 1 :]).split("|")
    kept = kept.format(f"{first} {sign} {second} = {result}", result)
    original = f"{kept} {back}\n{revision.revised}"
    return put(revision.revised, 0, 0, kept + "\n", "abandoned approach kept", original)


def own_words(rng: random.Random, revision: Revision) -> Fault | None:
    """A conclusion of a recorded trace that the student took back, put before the end of its summary."""
    if revision.form != "trace":
        return None
    sentences = text.units(revision.original)
    for index, unit in enumerate(sentences[:-1]):
        kept = _HEDGE.sub("", unit.text.strip())
        states = _CONCLUDES.search(kept)
        if not states or len(kept) > 250 or "?" in kept or _BACK.search(kept):
            continue
        if not any(_TAKEN_BACK.match(following.text) for following in sentences[index + 1 : index + 3]):
            continue
        if text.spoken(states["value"]) in text.numbers(revision.question + revision.revised):
            continue
        last = text.units(revision.revised)[-1]
        kept = kept[0].upper() + kept[1:]
        change = "conclusion that the student took back"
        return put(revision.revised, last.start, last.start, f"{kept}\n\n", change)
    return None


PLANTERS: dict[str, Planter] = {
    "slip": slip,
    "wrong_operation": wrong_operation,
    "misread": misread,
    "redone": redone,
    "abandoned_approach": abandoned_approach,
    "own_words": own_words,
}
