"""Two statements of the revision, or its thinking and its summary, do not agree."""

import random
import re

from benchmarks.planting import text
from benchmarks.planting.fault import Fault, Planter, put
from benchmarks.planting.sources import Revision, plain_answer

_UNITS = {
    "hours": "minutes",
    "minutes": "hours",
    "days": "weeks",
    "weeks": "days",
    "dollars": "cents",
    "cents": "dollars",
    "feet": "inches",
    "inches": "feet",
    "pounds": "ounces",
    "ounces": "pounds",
    "years": "months",
    "months": "years",
    "miles": "feet",
    "kilometres": "metres",
    "meters": "kilometers",
    "seconds": "minutes",
    "gallons": "quarts",
    "liters": "milliliters",
    "grams": "kilograms",
    "yards": "feet",
}


def _equations(revision: Revision) -> list[re.Match[str]]:
    return list(text.true_equations(revision.revised))


def _known(revision: Revision) -> set[str]:
    return set(text.numbers(revision.question)) | set(text.numbers(revision.revised))


def result_digit(rng: random.Random, revision: Revision) -> Fault | None:
    """The result of one equation altered; its left side and later uses are as they were."""
    found = _equations(revision)
    if not found:
        return None
    equation = rng.choice(found)
    new = text.altered(rng, equation["value"], _known(revision))
    return (
        new and put(revision.revised, equation.start("value"), equation.end("value"), new, "result altered")
    ) or None


def carried_value(rng: random.Random, revision: Revision) -> Fault | None:
    """A result is carried into the next equation as another number; that equation is true in itself."""
    options = []
    for equation in _equations(revision):
        for side in ("left", "right"):
            number, before = text.spoken(equation[side]), revision.revised[: equation.start()]
            stated = re.search(rf"=\s*\$?{re.escape(equation[side])}(?![\d.,]*\d)", before)
            if stated and len(number) > 1 and number not in text.numbers(revision.question):
                options.append((equation, side))
    rng.shuffle(options)
    for equation, side in options:
        new = text.altered(rng, equation[side], _known(revision))
        if new is None:
            continue
        sides = {"left": equation["left"], "right": equation["right"], side: new}
        result = text.result(text.value_of(sides["left"]), equation["op"], text.value_of(sides["right"]))
        if result is None or result.denominator != 1 or result < 1:
            continue
        sign = f"{equation['s1']}{equation['op']}{equation['s2']}"
        whole = f"{sides['left']}{sign}{sides['right']}{equation['eq']}{result}"
        return put(revision.revised, equation.start(), equation.end(), whole, "another number carried over")
    return None


def operator(rng: random.Random, revision: Revision) -> Fault | None:
    """One operator altered; the numbers and the result are as they were."""
    swap = {
        "+": "-",
        "-": "+",
        "−": "+",
        "*": "+",
        "×": "+",
        "/": "*",
        "÷": "×",
        "\\times": "+",
        "\\cdot": "+",
    }
    found = [e for e in _equations(revision) if e["op"] in swap]
    rng.shuffle(found)
    for equation in found:
        new = swap[equation["op"]]
        result = text.result(text.value_of(equation["left"]), new, text.value_of(equation["right"]))
        if result != text.value_of(equation["value"]):
            return put(revision.revised, equation.start("op"), equation.end("op"), new, "operator altered")
    return None


def sign(rng: random.Random, revision: Revision) -> Fault | None:
    """The sign of a found value altered; what follows uses the value as it was."""
    found = re.finditer(
        (
            r"(?<![a-zA-Z\\^_])(?P<symbol>[a-zA-Z])\s?=\s?(?P<value>-?(?:\d+"
            r"|\\frac\{\d+\}\{\d+\}))(?=[$.,;\s]|\\\))"
        ),
        revision.revised,
    )
    options = []
    for match in found:
        value = match["value"].lstrip("-")
        later = revision.revised[match.end() :]
        opposite = f"{match['symbol']}={'' if match['value'].startswith('-') else '-'}{value}"
        both = (
            opposite in re.sub(r"\s", "", revision.revised)
            or "\\pm" in revision.revised
            or "|" in revision.revised
        )
        equation = f"{match['symbol']}={match['value']}"
        given = equation in re.sub(r"\s", "", revision.question)
        if value in {"0", "1"} or both or "^2" in later[:60]:
            continue
        again = (
            equation in re.sub(r"\s", "", later) or text.operand(later, value)
            if "frac" not in value
            else value in later
        )
        if given or again:
            options.append(match)
    if not options:
        return None
    match = rng.choice(options)
    new = match["value"][1:] if match["value"].startswith("-") else "-" + match["value"]
    return put(revision.revised, match.start("value"), match.end("value"), new, "sign altered")


def unit(rng: random.Random, revision: Revision) -> Fault | None:
    """The unit of a result altered; the question or another sentence has the right one."""
    options = []
    for match in re.finditer(r"=\s?(?P<value>\d[\d,.]*) (?P<unit>[a-z]+)\b", revision.revised):
        name = match["unit"]
        elsewhere = revision.question + revision.revised[: match.start()] + revision.revised[match.end() :]
        if name in _UNITS and name in elsewhere and _UNITS[name] not in elsewhere + match.group():
            options.append(match)
    if revision.form == "generated" and revision.problem and revision.problem.unit in revision.revised:
        other = _UNITS.get(revision.problem.unit)
        places = [m for m in re.finditer(rf"\b{revision.problem.unit}\b", revision.revised) if other]
        if len(places) > 1 and other:
            place = rng.choice(places)
            return put(revision.revised, place.start(), place.end(), other, "unit altered")
    if not options:
        return None
    match = rng.choice(options)
    return put(
        revision.revised, match.start("unit"), match.end("unit"), _UNITS[match["unit"]], "unit altered"
    )


_CONCLUSIONS = (
    "So the answer is {0}.",
    "Therefore the result is {0}.",
    "That gives {0} in the end.",
    "Hence, the final result is {0}.",
    "In total, this comes out at {0}.",
    "We conclude that the value asked for is {0}.",
    "Thus the answer must be {0}.",
    "All in all: {0}.",
    "This means the requested number is {0}.",
)


def two_conclusions(rng: random.Random, revision: Revision) -> Fault | None:
    """A second conclusion with another number: before the last sentence or after it."""
    new = text.altered(rng, revision.answer, _known(revision))
    if new is None:
        return None
    sentence = rng.choice(_CONCLUSIONS).format(new)
    last = text.units(revision.revised)[-1]
    if rng.random() < 0.5 and last.start > 0 and last.text[0].isupper():
        gap = "\n" if revision.revised[last.start - 1] == "\n" else " "
        return put(revision.revised, last.start, last.start, sentence + gap, "another conclusion put in")
    end = len(revision.revised)
    gap = "\n" if "\n" in revision.revised else " "
    return put(revision.revised, end, end, gap + sentence, "another conclusion added")


def concluding_number(rng: random.Random, revision: Revision) -> Fault | None:
    """The thinking concludes another number than its last equation and the summary do."""
    sentences = text.units(revision.revised)
    last = sentences[-1]
    places = [
        m for m in text.NUMBER.finditer(last.text) if text.spoken(m.group()) == text.spoken(revision.answer)
    ]
    if not places or len(sentences) < 2:
        return None
    earlier = text.spoken(revision.answer) in text.numbers(revision.revised[: last.start])
    new = text.altered(rng, revision.answer, _known(revision))
    if new is None or (
        not earlier
        and len(places) < 2
        and text.spoken(revision.answer) not in text.numbers(revision.revised_response)
    ):
        return None
    start, end = places[-1].span()
    return put(revision.revised, last.start + start, last.start + end, new, "conclusion altered")


def summary_value(rng: random.Random, revision: Revision) -> Fault | None:
    """The summary restates a step of the thinking with another result."""
    options = [
        u
        for u in text.units(revision.revised)
        if len(list(text.true_equations(u.text))) == 1 and len(u.text) < 200
    ]
    if not options or revision.form == "math":
        return None
    restated = rng.choice(options).text.strip()
    equation = next(text.true_equations(restated))
    new = text.altered(rng, equation["value"], _known(revision))
    if new is None:
        return None
    again = re.compile(rf"(?<![\d.,]){re.escape(equation['value'])}(?![\d%])")
    head, tail = (again.sub(new, part) for part in (restated[: equation.start()], restated[equation.end() :]))
    # half of them give the result alone, without the left side that would show it to be false
    left = (
        restated[equation.start() : equation.end("eq")]
        if rng.random() < 0.5 or head.endswith("because ")
        else ""
    )
    wrong = f"{head}{left}{new}{tail}"
    response = f"{wrong} {plain_answer(rng, revision.answer)}"
    change = f"summary says otherwise: {restated!r} -> {wrong!r}"
    return Fault(revision.revised, change, (0, len(wrong)), response=response, field="revised_response")


def summary_answer(rng: random.Random, revision: Revision) -> Fault | None:
    """The words of the summary name another answer than its box and the thinking."""
    new = text.altered(rng, revision.answer, _known(revision))
    if new is None:
        return None
    words = rng.choice(_CONCLUSIONS).format(new)
    response = f"{words} {plain_answer(rng, revision.answer)}"
    return Fault(
        revision.revised, f"summary says {new}", (0, len(words)), response=response, field="revised_response"
    )


PLANTERS: dict[str, Planter] = {
    "result_digit": result_digit,
    "carried_value": carried_value,
    "operator": operator,
    "sign": sign,
    "unit": unit,
    "two_conclusions": two_conclusions,
    "concluding_number": concluding_number,
    "summary_value": summary_value,
    "summary_answer": summary_answer,
}
