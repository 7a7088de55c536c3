"""Tell whether a step's text shows a proposed skill, or a nearer one."""

import re
from collections.abc import Callable, Mapping, Set

from drp.teacher.heuristic.label_conditions import (
    CONDITIONS,
    COUNTS,
    DERIVES,
    INTERJECTIONS,
    LEAVES,
    SHAPES,
    TALKS,
    UNKNOWN,
    WORKS,
    StepText,
    reads_figure,
)
from drp.teacher.heuristic.label_forms import (
    AGREES,
    DOUBTFUL,
    SEEKS,
    is_formula,
    restates,
)
from drp.teacher.heuristic.label_formulas import (
    ASSIGNMENT,
    CALCULUS,
    CONCLUDES,
    FACTORED,
    LETTER_TERM,
    OPERATIONS,
    PROSE,
    SOME_EQUATIONS,
    algebra,
    has_binomials,
    has_tuples,
    operation,
)
from drp.traces import Skill, skills

_OVERCOUNTS = re.compile(
    r"(?:is|'m|'ve|am|be|might be|we|i) (?:over|double-?)count|(?<!think )(?:i"
    r"|we) (?:missed|forgot)"
)
_COUNTED = re.compile(
    r"\bways\b|number of|how many|total|outcome|choices|people|arrang|choose (?:which|from|two|three)"
)
_ENUMERABLE = OPERATIONS | {
    skills.METHOD,
    skills.SUBGOAL,
    skills.DIVISIBILITY,
}
_SETS_UP = re.compile(r"\b(?:i|we) can (?:set up|write|express|use)\b|let me\b")
_WAYS = re.compile(r"\b(?:easier|use|using|calculat|comput|find|approach|try|think of|start|consider)")
_FAILS = re.compile(
    r"contradict|not (?:quite )?(?:right|correct)|n't seem right|backwards|maybe i (?:had|mis|made)"
    r"|mistake\b|wrong|incorrect|confus|doesn't (?:match"
    r"|make|work)|discrepan|inconsisten"
)
_CHECKS = re.compile(
    r"check|verif|confirm|make sure|recount|sanity|(?<!not )(?<!quite )correct\b|didn't"
    r"|n't (?:think|see|find)"
)
_SOLVING_WORDS = re.compile(
    r"\bsolv(?:e|ing)\b|both sides|each side|isolat|discriminant|quadratic (?:formula|equation)|rearrang"
    r"|cross-?mult"
    r"|equal to (?:zero|0)|equations? (?:from|together)"
)
_COUNTS_SOLUTIONS = re.compile(r"(?:number of|how many) (?:\S+ ){0,3}solutions")
_VARIED = re.compile(UNKNOWN)
_EXPRESSED = re.compile(
    rf"(?:would be|will be|can be written as|expressed as"
    rf"|is)[\s:'\"“$\\\[(]{{0,6}}(?:\d+ ?[-+*/] ?\d*{UNKNOWN}|\d*{UNKNOWN} ?[-+*/^] ?\w|\d+{UNKNOWN})"
)
_NAMES_VALUE = re.compile(r"\A[^-+*/^=]*\b[a-z]{1,2} ?=[^=]*\Z")
_NAMES_EQUATION = re.compile(r"equation|system|proportion|\bset\b|inequalit|express|write")
_RECALLS = re.compile(r"recall|remember")
_LOGARITHM = re.compile(
    r"\blog|\\log|\bln\b|same base|exponential|(?:add|equat|set)\w* the exponents"
    r"|exponents equal"
)
_GIVEN = re.compile(r"(?:is|are|was|'re|'s) given(?! by)|given (?:that|as|in)\b")
_TRIES = re.compile(
    rf"\b(?:try|test|take|testing|trying)\w* (?:with )?(?:\S+ )?{UNKNOWN} ?=|{UNKNOWN} ?= ?-?\d+ ?:"
)
_SUPPOSES = re.compile(r"\b(?:suppos|assum|let's say|pretend|imagine)")
_CONDITIONAL = re.compile(
    rf"(?:\A|[.?!\n] ?){INTERJECTIONS}(?:if|when|for|suppose)\b[^=<>]{{0,40}}(?:[=<>≤≥]|\bthen\b)|\Aif\b"
)
_EXPANDS = re.compile(r"expand\w*\b[^.]{0,60}[()]|foil\b")


def shown_of(skill: Skill, text: StepText, asked: Set[str]) -> Skill | None:
    """Return the skill, or a nearer one, that a text shows of a proposed one; None if it shows neither."""
    refined = _REFINED.get(skill)
    if refined:
        return refined(text)
    if skill in _ENUMERABLE and has_tuples(text.lower):
        return skills.LISTING
    if skill in OPERATIONS:
        return operation(text)
    if skill is skills.QUANTITY and not restates(text, asked):
        return None
    condition = CONDITIONS.get(skill)
    if condition is None:
        return skill
    if skill is skills.SIMPLIFYING and _RECALLS.search(text.lower) and "theorem" in text.lower:
        return skills.RECALLING
    if skill is skills.SIMPLIFYING and LETTER_TERM.search(text.lower) and _EXPANDS.search(text.lower):
        return skills.EXPANDING
    if condition.met(text.lower) and (condition.computes or not text.computes):
        if skill in WORKS and not text.equals and CONCLUDES.match(text.lower):
            return None
        if skill in WORKS and not text.equals and TALKS.search(text.lower) and not LEAVES.search(text.lower):
            return skills.QUESTION if text.lower.endswith("?") else skills.METHOD
        return skill
    repeats = skill is skills.READING and restates(text, asked) and not SEEKS.match(text.lower)
    return skill if repeats else None


def _counting(text: StepText) -> Skill | None:
    """Return counting where something is counted; else what is done with the numbers of ways."""
    if AGREES.search(text.lower):
        return skills.CHECKING
    if not text.computes and _OVERCOUNTS.search(text.lower):
        return skills.RECONSIDERING
    if "identity" in text.lower or ("theorem" in text.lower and _RECALLS.search(text.lower)):
        return skills.RECALLING
    if has_tuples(text.lower) and not _COUNTED.search(text.lower):
        return skills.LISTING
    if text.computes and has_binomials(text.lower) and not _COUNTED.search(text.lower):
        return skills.BINOMIALS
    if CONDITIONS[skills.COUNTING].needs.search(text.lower):
        return skills.COUNTING
    return skills.BINOMIALS if has_binomials(text.lower) else None


def _space(skill: Skill) -> Callable[[StepText], Skill | None]:
    """Return what tells a skill of geometry from the reading of a drawing and from counting figures."""

    def shown(text: StepText) -> Skill | None:
        lower = text.lower
        if text.computes and not SHAPES.search(lower):
            return operation(text)
        if reads_figure(lower) and not DERIVES.search(lower):
            return skills.FIGURE
        if COUNTS.search(lower):
            return _counting(text)
        return skill if CONDITIONS[skill].met(lower) else None

    return shown


def _logarithms(text: StepText) -> Skill:
    return skills.LOGARITHMS if _LOGARITHM.search(text.lower) else skills.POWERS


def _nearer(skill: Skill, pattern: re.Pattern[str], nearer: Skill) -> Callable[[StepText], Skill | None]:
    """Return what prefers a nearer skill where its pattern is found."""
    needs = CONDITIONS[skill].needs
    return lambda text: nearer if pattern.search(text.lower) else skill if needs.search(text.lower) else None


def _cases(text: StepText) -> Skill | None:
    """Return cases, a trial or an assumption; None if a text only computes."""
    lower = text.lower
    if CONDITIONS[skills.CASES].needs.search(lower):
        return skills.CASES
    if _TRIES.search(lower):
        return skills.TRYING
    if _SUPPOSES.search(lower):
        return skills.ASSUMING
    supposes = text.equals <= SOME_EQUATIONS and not CONCLUDES.match(lower)
    return skills.CASES if supposes and _CONDITIONAL.search(lower) else None


def _conclusion(text: StepText) -> Skill | None:
    """Return a conclusion, if a text has words of one and does not compute."""
    lower = text.lower
    if text.computes or not CONCLUDES.match(lower):
        return None
    if is_formula(lower, text.equals) and LETTER_TERM.search(lower):
        return algebra(text)
    if _EXPRESSED.search(lower):
        return skills.RELATION
    if AGREES.search(lower):
        return skills.CHECKING
    if SEEKS.match(lower):
        return skills.SUBGOAL
    if "rewrit" in lower:
        return skills.REWRITING
    if _SETS_UP.search(lower):
        return skills.METHOD
    if DOUBTFUL.search(lower):
        return skills.METHOD if _WAYS.search(lower) else skills.POSSIBILITY
    return skills.CONCLUDING


def _checking(text: StepText) -> Skill | None:
    """Return a check; reconsidering where only its failure is said."""
    lower = text.lower
    if _FAILS.search(lower) and not _CHECKS.search(lower):
        return skills.RECONSIDERING
    return skills.CHECKING if CONDITIONS[skills.CHECKING].met(lower) else None


def _solution(text: StepText) -> Skill | None:
    """Return the solving of an equation, or what else is done with its terms or numbers."""
    lower = text.lower
    if "like terms" in lower:
        return skills.SIMPLIFYING
    if _COUNTS_SOLUTIONS.search(lower):
        return skills.COUNTING
    if _SOLVING_WORDS.search(lower) and not ("simplif" in lower and "each side" in lower):
        return skills.METHOD if not text.equals and TALKS.search(lower) else skills.SOLVING
    return algebra(text) if LETTER_TERM.search(lower) else operation(text) if text.computes else None


def _equation(text: StepText) -> Skill | None:
    """Return the setting up of an equation; what else is done with one, if something is."""
    lower = text.lower
    if not CONDITIONS[skills.EQUATION].met(lower):
        return None
    if text.computes and not _VARIED.search(ASSIGNMENT.sub("", lower)):
        return operation(text)
    if FACTORED.search(lower) or CONDITIONS[skills.FACTORING].needs.search(lower):
        return skills.FACTORING
    if has_binomials(lower):
        return skills.BINOMIALS
    if _SOLVING_WORDS.search(lower) and ASSIGNMENT.search(lower):
        return skills.SOLVING
    if _NAMES_EQUATION.search(lower):
        return skills.METHOD if not text.equals and TALKS.search(lower) else skills.EQUATION
    if "=" not in ASSIGNMENT.sub("", lower) or len(lower.split()) > PROSE * text.equals:
        return None
    if COUNTS.search(lower):
        return skills.COUNTING
    return skills.CONCLUDING if CONCLUDES.match(lower) and _NAMES_VALUE.search(lower) else skills.EQUATION


def _fact(text: StepText) -> Skill | None:
    """Return a fact that is recalled, or read if it is given."""
    if _GIVEN.search(text.lower):
        return skills.READING
    if text.computes and not _RECALLS.search(text.lower):
        return operation(text)
    return skills.FACT if CONDITIONS[skills.FACT].met(text.lower) else None


_REFINED: Mapping[Skill, Callable[[StepText], Skill | None]] = {
    skills.ALGEBRA: algebra,
    skills.INEQUALITIES: algebra,
    skills.COUNTING: _counting,
    skills.GEOMETRY: _space(skills.GEOMETRY),
    skills.COORDINATES: _space(skills.COORDINATES),
    skills.DIGITS: _nearer(skills.DIGITS, COUNTS, skills.COUNTING),
    skills.FUNCTIONS: _nearer(skills.FUNCTIONS, CALCULUS, skills.CALCULUS),
    skills.LOGARITHMS: _logarithms,
    skills.CASES: _cases,
    skills.EQUATION: _equation,
    skills.SOLVING: _solution,
    skills.CONCLUDING: _conclusion,
    skills.CHECKING: _checking,
    skills.FACT: _fact,
}
