"""The revision refers to something that was taken out: an equation, a case, a step, a result, a root."""

import random
import re

from benchmarks.planting import text
from benchmarks.planting.fault import Fault, Planter, cut
from benchmarks.planting.sources import Revision

_LABEL = re.compile(
    r"(?:\\tag\{(?P<a>\d)\}|\\q?quad\s*(?:\\text)?[{(]*\(?(?P<b>\d)\)"
    r"|[^\w)]\((?P<c>\d)\)\s*(?=\\\]|\$\$|\\\\))"
)
_POINTING = re.compile(
    r"(?:This|That) (?:gives|leaves|means|simplifies to|yields|equation|equals|value|reduces to"
    r"|factors as|happens|rules out"
    r"|expression|implies|would|occurs|sum|product|number)\b|These (?:two|three|are|give|values"
    r"|equations|numbers|must|have)\b"
    r"|Both (?:of these|values|roots|solutions|are|have)\b|(?:Hence|Therefore|Thus"
    r"|So),? (?:both|this|these)\b"
    r"|Their (?:sum|product|difference|average|ratio)\b|It (?:follows from this|simplifies)\b"
    r"|Substituting this\b"
    r"|Adding these\b|Subtracting (?:these|this)\b|Multiplying these\b|The last (?:equation"
    r"|sum)\b|In the same way\b"
)
_ORDINAL = re.compile(
    r"\b(?:[Tt]he|[Tt]his|[Tt]hese) (?:(?P<what>first|second|third|other|last|previous|former"
    r"|latter|two|above) "
    r"(?P<noun>equation|inequality|root|solution|case|option|result|factor|condition|expression"
    r"|identity|sum|term|possibility"
    r"|equations|factors|inequalities|solutions|cases|results))\b"
)
_CASE = re.compile(r"(?im)^[ \t*#\-•]*(?:\*\*)?case (?P<number>\d|i{1,3}|one|two|three)\b[^\w\n]*")
_STEP = re.compile(r"(?im)^[ \t#*]*\**step (?P<number>\d)\b")
_LISTED = re.compile(r"(?m)^[ ]{0,2}(?:\*\*)?(?P<number>\d)[.)]\s+(?=\S)")


def equation_number(rng: random.Random, revision: Revision) -> Fault | None:
    """`From (1), …` without an equation (1)."""
    sentences = text.units(revision.revised)
    for _index, unit in enumerate(sentences[:-1]):
        labels = [match.group(match.lastgroup or "c") for match in _LABEL.finditer(unit.text)]
        for label in labels:
            after = revision.revised[unit.end :]
            refers = re.search(rf"(?:equations?|[Ff]rom|[Ii]nto|[Uu]sing|[Bb]y|and|in) \$?\({label}\)", after)
            if (
                refers
                and f"({label})" not in after[: refers.start()]
                and f"({label})" not in revision.question
            ):
                return cut(revision.revised, unit.start, unit.end, f"equation ({label}) taken out")
    return _numbered(rng, revision)


_PHRASES = (
    "From ({0}), ",
    "By equation ({0}), ",
    "Using ({0}), ",
    "With the result of equation ({0}), ",
    "Because of ({0}), ",
)


def _numbered(rng: random.Random, revision: Revision) -> Fault | None:
    """Number the equations of a plain solution, let a later sentence refer to one, and take that one out."""
    pairs = _linked(revision)
    if not pairs:
        return None
    first, second = rng.choice(pairs)
    sentences = text.units(revision.revised)
    label, parts, removed = 0, [], ""
    target = None
    for unit in sentences:
        sentence = unit.text
        if unit == second and target:
            phrase = rng.choice(_PHRASES).format(target)
            sentence = phrase + text.lowered(sentence, revision.question)
        elif next(text.true_equations(sentence), None):
            label += 1
            body = sentence.rstrip()
            sentence = f"{body}{'  ' if rng.random() < 0.3 else ' '}({label}){sentence[len(body) :]}"
            if unit == first:
                target, removed = label, sentence
        parts.append(sentence)
    if not target or re.search(rf"\({target}\)", revision.revised):
        return None
    whole = "".join(parts)
    start = whole.index(removed)
    return cut(whole, start, start + len(removed), f"equation ({target}) taken out", whole)


def _linked(revision: Revision) -> list[tuple[text.Unit, text.Unit]]:
    """Pairs of sentences: one states a number, a later one calculates with it."""
    if revision.form == "trace":
        return []
    sentences, pairs = text.units(revision.revised), []
    for index, unit in enumerate(sentences):
        for equation in text.true_equations(unit.text):
            value = equation["value"]
            if text.spoken(value) in text.numbers(revision.question):
                continue
            for later in sentences[index + 1 :]:
                if (
                    len(value) > 1
                    and text.operand(later.text, text.spoken(value))
                    and later.text[0].isalpha()
                ):
                    pairs.append((unit, later))
                    break
    return [pair for pair in pairs if pair[0].text.count("=") == 1]


def case_number(rng: random.Random, revision: Revision) -> Fault | None:
    """`As in case 1` or `Case 2` first: the first case is taken out."""
    heads = list(_CASE.finditer(revision.revised))
    if len(heads) < 2 or [h["number"].lower() for h in heads[:2]] not in (
        ["1", "2"],
        ["i", "ii"],
        ["one", "two"],
    ):
        return None
    first, second = heads[0], heads[1]
    whole, original = revision.revised, None
    rest = whole[second.end() :]
    if re.search(r"(?i)case (?:1|i|one)\b", whole[: first.start()] + rest):
        return None
    if rng.random() < 0.6 and not re.search(r"(?i)(?:first|previous) case|case 1", rest):
        line = rest.find("\n\n") if 0 <= rest.find("\n\n") < 200 else -1
        if line > 0:
            phrase = rng.choice(
                (
                    "We argue as in case 1. ",
                    "The same reasoning as in the first case applies. ",
                    "This goes as in the previous case. ",
                )
            )
            place = second.end() + line + 2
            whole = (
                whole[:place] + phrase + ("\n\n" if re.match(r"\W", rest[line + 2 :]) else "") + whole[place:]
            )
            original = whole
    return cut(whole, first.start(), second.start(), "first case taken out", original)


def step_number(rng: random.Random, revision: Revision) -> Fault | None:
    """The text begins at step 2 or later, or uses `the result of step 1` that is no longer there."""
    heads = list(_STEP.finditer(revision.revised))
    if len(heads) >= 2 and heads[0]["number"] == "1":
        keep = rng.randint(1, min(3, len(heads) - 1))
        start = heads[0].start() if rng.random() < 0.5 else 0
        return cut(
            revision.revised,
            start,
            heads[keep].start(),
            f"steps before step {heads[keep]['number']} taken out",
        )
    pairs = _linked(revision)
    if revision.form == "math" or not pairs:
        return None
    first, second = rng.choice(pairs)
    parts, removed = [], ""
    for step, unit in enumerate(text.units(revision.revised), 1):
        body = unit.text.strip()
        if unit == second:
            label = removed.split(":")[0].replace("*", "").strip().lower()
            reference = rng.choice(
                ("Using the result of {0}, ", "With {0}, ", "Taking what we found in {0}, ")
            )
            body = reference.format(label) + text.lowered(body, revision.question)
        line = f"Step {step}: {body}\n"
        removed = line if unit == first else removed
        parts.append(line)
    whole = "".join(parts)
    start = whole.index(removed)
    return cut(whole, start, start + len(removed), "step taken out, a later one names it", whole)


def list_start(rng: random.Random, revision: Revision) -> Fault | None:
    """A numbered list that begins at 2 or later."""
    items = list(_LISTED.finditer(revision.revised))
    if len(items) < 3 or [item["number"] for item in items] != [str(n + 1) for n in range(len(items))]:
        if revision.form not in {"gsm8k", "generated"}:
            return None
        lines = [unit.text.strip() for unit in text.units(revision.revised)]
        if len(lines) < 3:
            return None
        mark = rng.choice(("{0}. ", "{0}) ", "({0}) "))
        whole = "\n".join(mark.format(number + 1) + line for number, line in enumerate(lines))
        gone = rng.randint(1, len(lines) - 2)
        end = sum(len(line) + 1 for line in whole.split("\n")[:gone])
        return cut(whole, 0, end, f"items 1 to {gone} taken out", whole)
    gone = rng.randint(1, len(items) - 1)
    start = items[0].start() if rng.random() < 0.5 else 0
    return cut(revision.revised, start, items[gone].start(), f"items 1 to {gone} taken out")


def pointing_start(rng: random.Random, revision: Revision) -> Fault | None:
    """The first sentence points at what stood before it: `This gives …`."""
    options = []
    sentences = text.units(revision.revised)
    for index, unit in enumerate(sentences):
        if index and _POINTING.match(unit.text) and (index < len(sentences) - 1 or len(unit.text) > 80):
            options.append(unit)
    if not options:
        return None
    unit = rng.choice(options[:2])
    return cut(revision.revised, 0, unit.start, "taken out, the next sentence points at it")


def ordinal(rng: random.Random, revision: Revision) -> Fault | None:
    """`The other root`, `the second equation`, `the previous result` without the thing itself."""
    sentences = text.units(revision.revised)
    for index, unit in enumerate(sentences):
        found = _ORDINAL.search(unit.text)
        if not found or not index:
            continue
        noun, before = found["noun"].rstrip("s"), revision.revised[: unit.start]
        own = unit.text[: found.start()]
        if (
            noun in revision.question
            or "equation" in revision.question
            or "=" in own
            or re.search(r"\\begin|\n-", own)
        ):
            continue
        if noun in {"case", "term"} and "$" in own:
            continue
        if (
            re.match(r"\s*(?:of|that|in which|when|where|is that|:)", unit.text[found.end() :])
            or before.count("\n\n") > 3
        ):
            continue
        if (
            found["what"]
            in {"other", "former", "latter", "previous", "above", "second", "two", "first", "last"}
            and before.strip()
        ):
            return cut(revision.revised, 0, unit.start, f"taken out, with what “{found.group()}” is")
    return None


_PREVIOUS = {
    "+": (
        "Adding {0} to the previous result gives {1}.",
        "The other amount is {0}; together that is {1}.",
        "Increasing the number we just found by {0}, we get {1}.",
    ),
    "-": (
        "Taking {0} away from the previous result leaves {1}.",
        "Reducing the number from before by {0} gives {1}.",
        "From that total we subtract {0} and get {1}.",
    ),
    "×": (
        "Multiplying the previous result by {0} gives {1}.",
        "{0} times the number above is {1}.",
        "The same amount, taken {0} times, is {1}.",
    ),
    "÷": (
        "Dividing the previous result by {0} gives {1}.",
        "We split the total from above into {0} equal parts of {1}.",
        "Dividing that number by {0}, we find {1}.",
    ),
}


def previous_result(rng: random.Random, revision: Revision) -> Fault | None:
    """`Dividing the previous result by 3` is the first sentence."""
    problem = revision.problem
    if problem is None:
        return None
    lines = []
    for index, step in enumerate(problem.computations):
        if step.left.came_from == index - 1 and index:
            lines.append(rng.choice(_PREVIOUS[step.operator]).format(step.right.value, step.result))
        else:
            what = step.what[0].upper() + step.what[1:]
            lines.append(f"{what} is {step.left.value} {step.operator} {step.right.value} = {step.result}.")
    if problem.computations[1].left.came_from != 0:
        return None
    lines.append(f"That is {problem.asked}: {problem.answer}.")
    whole = " ".join(lines)
    return cut(whole, 0, len(lines[0]) + 1, "taken out, the next sentence names its result", whole)


PLANTERS: dict[str, Planter] = {
    "equation_number": equation_number,
    "case_number": case_number,
    "step_number": step_number,
    "list_start": list_start,
    "pointing_start": pointing_start,
    "ordinal": ordinal,
    "previous_result": previous_result,
}
