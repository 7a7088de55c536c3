"""Name the skill that a step shows.

The evidence of a step's sentences proposes skills; a step gets the first of them that its text shows. Words
mislead where nothing is done with them: "we could use the quadratic formula" applies no formula, a binomial
coefficient that is evaluated counts nothing, and "Wait" alone takes nothing back. So each skill has a
condition on the text; the operations are read from the signs between numbers, what an equation is for from
its words and its form. Where nothing more is known, the step is called what its form says: a conclusion, an
inference, a question, a description.
"""

import re
from collections.abc import Mapping, Set

from drp.teacher.heuristic.label_conditions import (
    ACTS,
    CONDITIONS,
    INTERJECTIONS,
    StepText,
)
from drp.teacher.heuristic.label_forms import (
    FEW_WORDS,
    LONG_QUESTION,
    SHORT,
    WORDS,
    is_list,
    restates,
    shown_by_form,
)
from drp.teacher.heuristic.label_formulas import (
    CASE_LINES,
    CONCLUDES,
    SOME_EQUATIONS,
    is_confirmed,
)
from drp.teacher.heuristic.label_moves import (
    Talk,
)
from drp.teacher.heuristic.label_refinements import (
    shown_of,
)
from drp.traces import Skill, skills

_SHARE = 0.35  # of a step's characters in the sentences that do what it is called after
_REREAD = 0.7  # the same in the midst of a trace, where conclusions have the question's words too
_REREAD_WORDS = 5
_WORDS_PER_CUE = 20  # in a text that is about a field of mathematics and does not only mention it
_WORDS_OF_ONE_CUE = 13
_DONE = frozenset({skills.FACTORING, skills.SUBSTITUTION})
_FIELDS = frozenset({"arithmetic", "algebra", "counting", "geometry"})
_FORMULA = re.compile(r"[=√≈<>≤≥]|sqrt|\\frac|\d ?[*/+×·] ?\d")
_NUMBERS = re.compile(
    r"\d!? (?:\w+ )?(?:ways|arrangements|choices|outcomes|options|possibilities|pairs|permutations"
    r"|combinations"
    r"|numbers|integers)\b"
)
_OTHERWISE = re.compile(
    rf"{INTERJECTIONS}(?:alternatively|(?:let me (?:think of|try|consider|use) "
    rf"|let's (?:think of|try|consider|use) )?(?:another|a different) (?:way|approach|method))\b"
)
_QUOTES = re.compile(
    r"(?:problem|question|statement|says|phrase|interpret\w*|definition|wording)\b[^.]*[\"“]\w"
)
_BEGINS = re.compile(
    r"problem|puzzle|riddle|question|given|\basks?\b|\bfind\b|need|want|figure|determine|solve|calculate"
    r"|comput|convert|simplif|\bhave (?:this|these|an?|the|two|three)\b"
)
_DRAWS = re.compile(
    rf"{CONCLUDES.pattern}|\b(?:therefore|thus|hence|which means|that means|so\b|(?:i"
    rf"|we)(?:'ll| will| can| should))\b|\blet\b"
)
_GOES = re.compile(
    rf"{INTERJECTIONS}(?:(?:i think )?it(?:'s| is| goes| says| states)|specifically|which"
    rf"|something like)\b"
)
_APPLIES = re.compile(
    rf"{INTERJECTIONS}(?:i |we )?(?:can )?apply(?:ing)? (?:this|that|it"
    rf"|the (?:\w+ ){{0,3}}(?:formula|theorem|identity|rule|law))\b"
)
_CASE = re.compile(rf"{INTERJECTIONS}(?:what about )?case \w{{1,3}}\b")
_TESTS = re.compile(
    rf"{INTERJECTIONS}(?:(?:another|one more) (?:test|check)|let(?:'s| me) test (?:this"
    rf"|it|that|with))\b"
)
_RECAPS = re.compile(
    r"\A[^.:\n]{0,90}\b(?:recap\b|summari[sz]|in summary)"
    r"|\A(?:so,? )?the key (?:(?:\w+ )?(?:was|were)|points|steps)\b|\bthe key was\b"
)
_ASSURES = re.compile(r"check|verif|make sure|confirm|answer|boxed|\brecall|remember")


def label(
    text: StepText,
    scores: Mapping[Skill, float],
    shares: Mapping[Skill, int],
    asked: Set[str],
    before: Skill | None,
) -> Skill | None:
    """Return the skill that a step shows, or None if it says nothing (an interjection, another language).

    Args:
        text: the step.
        scores: the evidence for each skill, of all its sentences.
        shares: how many characters the sentences have whose first skill is this one.
        asked: the words of the question.
        before: the skill of the step before; None for the first step.
    """
    lower = text.lower
    if (before is skills.CHECKING and is_confirmed(lower)) or (
        ("check" in lower or "test" in lower) and _TESTS.match(lower)
    ):
        return skills.CHECKING
    if before is None and _is_question(text, scores, asked):
        return skills.READING
    if (
        ('"' in lower or "“" in lower)
        and _QUOTES.search(lower)
        and skills.CHECKING not in scores
        and skills.ANSWERING not in scores
    ):
        return skills.READING
    if skills.OTHER_METHOD in scores and _OTHERWISE.match(lower):
        return skills.OTHER_METHOD
    if not text.computes and "case" in lower and _CASE.match(lower):
        return skills.CASES
    if before is skills.RECALLING and text.equals == 1 and _GOES.match(lower):
        return skills.RECALLING
    if text.equals and "appl" in lower and _APPLIES.match(lower):
        return skills.APPLYING
    if ("recap" in lower or "summar" in lower or "the key" in lower) and _RECAPS.search(lower):
        return skills.RECAPPING
    if not text.computes and is_list(lower):
        return skills.CASES if CASE_LINES.search(lower) else skills.LISTING
    talk = None if text.computes else Talk(text, asked)
    if talk and (talk.reads or _rereads(text, asked, before)) and not _ASSURES.search(lower):
        return skills.READING
    least = _SHARE * max(sum(shares.values()), 1)
    for skill in sorted(scores, key=scores.__getitem__, reverse=True):
        if skill in ACTS and shares.get(skill, 0) < least:
            continue
        if skill.family in _FIELDS and talk and talk.most:
            continue
        if (
            skill is skills.ANSWERING
            and text.equals > SOME_EQUATIONS
            and shares.get(skill, 0) < least
            and "boxed" not in lower
        ):
            continue
        if skill is skills.READING and text.computes and 2 * shares.get(skill, 0) < sum(shares.values()):
            continue
        if (shown := shown_of(skill, text, asked)) and _is_about(shown, text):
            return shown
    if not scores and len(WORDS.findall(lower)) < FEW_WORDS:
        return None
    form = shown_by_form(text, talk, asked)
    if form is skills.SITUATION and len(lower) < SHORT:
        for skill in (skills.CHECKING, skills.RECONSIDERING):
            if scores.get(skill, 0.0) >= _CLEAR and (skill is not skills.CHECKING or _SURE.search(lower)):
                return skill
    return skills.READING if before is None and form in _VAGUE else form


_VAGUE = frozenset({skills.SITUATION, skills.INFERENCE, skills.RELATION, skills.RESULT})
_SURE = re.compile(r"sure|miss|right|check|ensur|\?\Z")
_CLEAR = 2.0  # evidence of a sentence that says what it does


def _is_question(text: StepText, scores: Mapping[Skill, float], asked: Set[str]) -> bool:
    """Whether the first step of a trace is about the question."""
    if text.computes:
        head = text.sentences[0]
        return 2 * len(head) > len(text.lower) and bool(_BEGINS.search(head))
    only = len(scores) == 1 and skills.READING in scores
    return only or bool(_BEGINS.search(text.lower)) or restates(text, asked)


def _is_about(skill: Skill, text: StepText) -> bool:
    """Whether a text that only tells has enough words of a skill's field."""
    condition = CONDITIONS.get(skill)
    if skill.family not in _FIELDS or skill in _DONE or condition is None:
        return True
    spaces = text.lower.count(" ")
    if spaces < _WORDS_OF_ONE_CUE or _FORMULA.search(text.lower):
        return True
    if skill is skills.COUNTING and _NUMBERS.search(text.lower):
        return True
    cues = len(condition.needs.findall(text.lower))
    return cues > 1 and spaces < _WORDS_PER_CUE * cues


def _rereads(text: StepText, asked: Set[str], before: Skill | None) -> bool:
    """Whether a text repeats the question and draws nothing from it."""
    if before is skills.READING:
        return restates(text, asked) and not _draws(text)
    used = text.words
    return (
        len(used) >= _REREAD_WORDS
        and len(asked) < LONG_QUESTION
        and len(used & asked) >= _REREAD * len(used)
        and not _FORMULA.search(text.lower)
        and not _draws(text)
    )


def _draws(text: StepText) -> bool:
    """Whether a text asks, plans or concludes."""
    return text.lower.endswith("?") or _DRAWS.search(text.lower) is not None
