"""The revision only restates the question and gives the answer; nothing is derived."""

import random
import re

from benchmarks.planting import text
from benchmarks.planting.fault import Fault, Planter
from benchmarks.planting.sources import Revision, plain_answer

_ANSWERED = (
    "The answer is {0}.",
    "So it is {0}.",
    "This gives {0}.",
    "Therefore, the answer must be {0}.",
    "I get {0}.",
    "After working it out, the result is {0}.",
    "From this we obtain {0}.",
    "Hence {0}.",
    "It comes to {0}.",
    "Solving it, one finds {0}.",
    "The calculation leads to {0}.",
    "Carrying this out yields {0}.",
)
_ASKED = (
    "The problem is this: {0}",
    "We are asked the following. {0}",
    "Let me restate the problem. {0}",
    "{0}",
    "The question reads: “{0}”",
    "What do I have to find? {0}",
    "Okay, so here is what I am given. {0}",
    "Given: {0}",
)
_FILLER = (
    "Let me read this carefully.",
    "All the information that is needed is in the problem.",
    "I have to be careful with the details.",
    "It is important to use every condition.",
    "There are several quantities here, and they are related to one another.",
    "I will go through it step by step.",
    "Each condition has to be taken into account exactly once.",
    "This is a standard type of problem and the usual method works.",
    "I should keep track of what each number means.",
    "Let me think about which approach is best.",
    "Nothing in the statement is ambiguous.",
    "Now I put everything together.",
    "Doing this carefully leads directly to the result.",
    "I go through the conditions one after the other.",
    "Everything fits together as it should.",
    "Let me make sure that I answer what is asked.",
)
_PLANS = (
    (
        "First I find what is needed from the given numbers, then I combine the parts, and then I "
        "read off what is asked."
    ),
    (
        "The plan is to set up the relation between the quantities, solve it, and check the result "
        "against the question."
    ),
    "We translate the statement into mathematics, simplify, and solve for the unknown.",
    "The way to do this is to handle each part separately and to put the parts together at the end.",
    (
        "To solve it, write down the conditions, work through them in order, and take the value "
        "that satisfies all of them."
    ),
)
_CHECKED = (
    "I checked this twice and it is consistent with the problem.",
    "Verifying the result confirms it.",
    "A second method gives the same value.",
    "Substituting back shows that all conditions hold.",
    "The size of the result is plausible too.",
    "This matches every condition of the problem.",
)


def _made(rng: random.Random, revision: Revision, parts: list[str], change: str) -> Fault:
    """The parts as one text, with line breaks or without."""
    thinking = rng.choice((" ", "\n", "\n\n")).join(part for part in parts if part)
    return Fault(thinking, change, (0, len(thinking)), response=plain_answer(rng, revision.answer))


def _answer(rng: random.Random, revision: Revision) -> str:
    value = rng.choice((revision.answer, f"${revision.answer}$", f"\\boxed{{{revision.answer}}}"))
    return rng.choice(_ANSWERED).format(value if "\\" not in value or "$" in value else f"${value}$")


def _last_question(revision: Revision) -> str:
    """The sentence of the question that asks."""
    return text.units(revision.question.strip())[-1].text.strip()


def short(rng: random.Random, revision: Revision) -> Fault | None:
    """What is asked, and the answer."""
    asked = _last_question(revision)
    return _made(
        rng,
        revision,
        [rng.choice(_ASKED).format(asked), _answer(rng, revision)],
        "only what is asked, and the answer",
    )


def restated(rng: random.Random, revision: Revision) -> Fault | None:
    """The whole question in its own words, and the answer."""
    parts = [rng.choice(_ASKED).format(revision.question.strip()), _answer(rng, revision)]
    if rng.random() < 0.3:
        parts.append(rng.choice(_CHECKED))
    return _made(rng, revision, parts, "only the question, and the answer")


def reported(rng: random.Random, revision: Revision) -> Fault | None:
    """The facts of the question told again in another order or as a list, and the answer."""
    if revision.form not in {"gsm8k", "generated"}:
        return None
    sentences = [unit.text.strip() for unit in text.units(revision.question)]
    facts, asked = sentences[:-1], sentences[-1]
    if not facts or not asked.endswith("?"):
        return None
    mark = rng.choice(("- ", "* ", "I know that: ", "We are told: ", "Given: "))
    told = [mark + fact for fact in facts]
    head = rng.choice(
        (f"I have to find out: {asked}", f"{asked} Let me collect the facts.", f"Wanted: {asked}")
    )
    parts = [head, *told] if rng.random() < 0.5 else [*told, head]
    return _made(
        rng,
        revision,
        [*parts, rng.choice((*_CHECKED, "", "", "")), _answer(rng, revision)],
        "only facts of the question",
    )


def filler(rng: random.Random, revision: Revision) -> Fault | None:
    """A long text without any content besides the question."""
    chosen = rng.sample(_FILLER, rng.randint(4, 9))
    middle = rng.randint(1, len(chosen) - 1)
    said = rng.choice(_ASKED).format(
        revision.question.strip() if rng.random() < 0.6 else _last_question(revision)
    )
    parts = [*chosen[:middle], said, *chosen[middle:], _answer(rng, revision)]
    return _made(rng, revision, parts, "filler, the question, and the answer")


def formula(rng: random.Random, revision: Revision) -> Fault | None:
    """A formula of the question repeated, as if that were a derivation."""
    found = re.findall(r"(?<!\\)\$([^$]{5,120})\$|\\\[(.{5,160}?)\\\]", revision.question, re.S)
    formulas = [a or b for a, b in found if "=" in (a or b) or "\\frac" in (a or b) or "^" in (a or b)]
    if not formulas:
        return None
    shown = rng.choice(formulas).strip().rstrip(".,")
    lead = rng.choice(("We start from", "We are given", "Consider", "The key relation is", "Let us look at"))
    use = rng.choice(
        (
            "Simplifying this carefully",
            "Working with this expression",
            "Using this",
            "Evaluating what is asked with it",
            "Since this has to hold",
            "Solving",
        )
    )
    first = f"{lead} ${shown}$." if rng.random() < 0.5 else f"{lead}\n\\[ {shown} \\]"
    parts = [
        rng.choice((*_FILLER, "", "", "")),
        first,
        f"{use}, we find that the answer is ${revision.answer}$.",
    ]
    if rng.random() < 0.3:
        parts.insert(2, f"So we have ${shown}$ again.")
    return _made(rng, revision, parts, "a formula of the question, and the answer")


def plan(rng: random.Random, revision: Revision) -> Fault | None:
    """A plan in general words that is not carried out."""
    said = rng.choice((*_FILLER[:6], rng.choice(_ASKED).format(_last_question(revision))))
    parts = [said, rng.choice(_PLANS), rng.choice((*_CHECKED, "", "", "")), _answer(rng, revision)]
    return _made(rng, revision, parts, "a plan that is not carried out, and the answer")


def checked(rng: random.Random, revision: Revision) -> Fault | None:
    """Claims of checks of an answer that was not derived."""
    checks = rng.sample(_CHECKED, rng.randint(2, 3))
    said = rng.choice(_ASKED).format(_last_question(revision))
    return _made(
        rng, revision, [said, _answer(rng, revision), *checks], "an answer, and claims that it was checked"
    )


PLANTERS: dict[str, Planter] = {
    "short": short,
    "restated": restated,
    "reported": reported,
    "filler": filler,
    "formula": formula,
    "plan": plan,
    "checked": checked,
}
