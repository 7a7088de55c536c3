"""What a long-reasoning model says around a solution: hedges, checks, and steps that it takes back."""

import random
import re
from typing import Literal, TypeAlias

from benchmarks.planting import text

Role: TypeAlias = Literal["solution", "aside", "check"]

_OPENINGS = (
    "Okay, let me see what is being asked here.",
    "Alright. I want to go through this slowly so that nothing slips.",
    "Hmm, let me read it once more before I do anything.",
    "Let's see. There is quite a bit going on, so one thing at a time.",
    "So the task seems simple enough, but I have been fooled by these before.",
    "First thing: what do I actually know?",
    "I think the best plan is to just follow the story from the beginning.",
    "Not sure yet which way is shortest; let me just begin and see.",
)
_HEDGES = (
    "Hmm, is that okay? I believe so.",
    "Let me pause here for a second.",
    "That looks plausible.",
    "I should keep that in mind.",
    "Good, nothing strange so far.",
    "Maybe there is a neater way, but this will do.",
    "At first I thought this might be harder than it is.",
    "Fine.",
    "Let me make sure I am reading the numbers right. Yes, I am.",
    "Right, where was I?",
    "I could also do this with a table, though I don't think I need one.",
    "Is there anything I overlooked? I don't see anything.",
)
_CHECKS = (
    "Let me verify: {0}, yes.",
    "Quickly redoing it in my head, {0}. Same as before.",
    "And {0}, I am confident about that one.",
    "Double-checking {0}... it holds.",
)
_CLOSINGS = (
    "I'm fairly happy with that.",
    "Going over the steps again I find nothing to change.",
    "That seems to be all there is to it.",
    "Okay, I think I can write this up.",
)
_SLIP = (
    "Hmm, that can't be right. Let me multiply that out properly.|"
    "Hold on, {wrong} looks off, I slipped in the arithmetic.|"
    "Wait, no. {wrong} is not what I get when I do it by hand.|Ugh, arithmetic error. Once more:|"
    "Let me recheck that... no, {wrong} is wrong.|Actually I made a mistake there; {wrong} is too hasty.|"
    "Scratch that, I misadded.|Hmm, {wrong}? Doing it again I don't get {wrong}."
)
_OPERATION = (
    "Wait, that is not the right operation at all.|"
    "Hmm, no, why would I do that? That is not what the situation says.|"
    "Scratch that, I mixed up what to do with the two numbers.|No wait, that makes no sense here.|"
    "Hold on. I used the wrong operation, so {wrong} has to go.|"
    "That can't be it, I have to go back one line.|"
    "Oops, that was the wrong way to combine them.|Actually no, I should not combine them like that."
)
_MISREAD = (
    "Oh wait, I read the wrong number from the problem.|"
    "Hmm, {other} has nothing to do with this step. My mistake.|"
    "No, I misread that; it is {right} and not {other}.|"
    "Hang on, where did I get the {other} from? That belongs elsewhere.|"
    "Let me look at the problem again... it says {right}. So that line was wrong.|"
    "Sorry, wrong number, {wrong} is invalid.|"
    "That is not correct, I grabbed {other} by accident.|Wait, I should have used {right} there."
)
_IDEAS = (
    "Maybe I can just add {0} and {1}?",
    "My first idea is to multiply {0} by {1}.",
    "Could it be as easy as {0} minus {1}?",
)
_DROPPED = (
    "No, that would not answer the question.",
    "But that ignores the rest of it, so no.",
    "That leads nowhere, forget it.",
    "Hmm, no, these two don't belong together.",
)
TAKEN_BACK = {"slip": _SLIP.split("|"), "operation": _OPERATION.split("|"), "misread": _MISREAD.split("|")}
"""Ways to take a step back, by what went wrong in it."""
REDONE = (
    "Let me write this step out in full.",
    "Once more, with care:",
    "Computing this again from the start:",
    "",
    "One more time.",
    "Now the same thing carefully.",
    "Let me do this line again.",
    "Going through it a second time:",
)


def taken_back(rng: random.Random, reason: str, wrong: str, right: str, other: str) -> str:
    """A sentence that takes a step back; `right` is the right number, `other` the one that was used."""
    return rng.choice(TAKEN_BACK[reason]).format(wrong=wrong, right=right, other=other)


def check(rng: random.Random, sentence: str) -> str | None:
    """A needless check of the equation of a sentence, if it has one."""
    equation = next(text.true_equations(sentence), None)
    return equation and rng.choice(_CHECKS).format(equation.group().replace("$", ""))


def hedge(rng: random.Random) -> str:
    """Something needless to say between two sentences."""
    return rng.choice(_HEDGES)


def false_start(rng: random.Random, question: str) -> str | None:
    """A first idea about two numbers of the question, dropped at once."""
    given = [number for number in text.numbers(question) if number.isdigit() and 1 < int(number) < 10_000]
    if len(given) < 2:
        return None
    first, second = rng.sample(given, 2)
    return f"{rng.choice(_IDEAS).format(first, second)} {rng.choice(_DROPPED)}"


def spoken_parts(rng: random.Random, solution: str, question: str) -> list[tuple[Role, str]]:
    """The sentences of a solution, and what a model that thinks aloud says around them."""
    parts: list[tuple[Role, str]] = [("aside", rng.choice(_OPENINGS))]
    if rng.random() < 0.4 and (start := false_start(rng, question)):
        parts.append(("aside", start))
    for unit in text.units(solution):
        sentence = unit.text.strip()
        parts.append(("solution", sentence))
        if rng.random() < 0.5 and re.search(r"[.!?]$", sentence):
            checked = check(rng, sentence) if rng.random() < 0.5 else None
            parts.append(("check", checked) if checked else ("aside", hedge(rng)))
    if rng.random() < 0.6:
        parts.append(("aside", rng.choice(_CLOSINGS)))
    return parts


def thought_aloud(rng: random.Random, solution: str, question: str) -> str:
    """The solution as a model that thinks aloud gives it."""
    separator = rng.choice(("\n\n", "\n"))
    return separator.join(part for _, part in spoken_parts(rng, solution, question))
