"""Name the skill that a step shows.

The evidence of a step's sentences proposes skills; a step gets the first of them that its text shows. Words
mislead where nothing is done with them: "we could use the quadratic formula" applies no formula, a binomial
coefficient that is evaluated counts nothing, and "Wait" alone takes nothing back. So each skill has a
condition on the text; the operations are read from the signs between numbers, what an equation is for from
its words and its form. Where nothing more is known, the step is called what its form says: a conclusion, an
inference, a question, a description.
"""

import re
from collections.abc import Callable, Mapping, Set

from drp.teacher.heuristic.label_conditions import (
    ACTS,
    CONDITIONS,
    COUNTS,
    DERIVES,
    FIGURE,
    INTERJECTIONS,
    LEAVES,
    SHAPES,
    TALKS,
    UNKNOWN,
    WORKS,
    StepText,
)
from drp.teacher.heuristic.label_formulas import (
    ASSIGNMENT,
    CALCULUS,
    CASE_LINES,
    CONCLUDES,
    CONFIRMED,
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
from drp.teacher.heuristic.label_moves import Talk, most
from drp.traces import Skill, skills

_SHARE = 0.35  # of a step's characters in the sentences that do what it is called after
_RESTATED = 0.5  # share of words from the question
_REREAD = 0.7  # the same in the midst of a trace, where conclusions have the question's words too
_REREAD_WORDS = 5
_WORDS_PER_CUE = 20  # in a text that is about a field of mathematics and does not only mention it
_WORDS_OF_ONE_CUE = 13
_DONE = frozenset({skills.FACTORING, skills.SUBSTITUTION})
_FIELDS = frozenset({"arithmetic", "algebra", "counting", "geometry"})
_FORMULA = re.compile(r"[=√≈<>≤≥]|sqrt|\\frac|\d ?[*/+×·] ?\d")
_NUMBERS = re.compile(
    r"\d!? (?:\w+ )?(?:ways|arrangements|choices|outcomes|options|possibilities|pairs|permutations|combinations"
    r"|numbers|integers)\b"
)
_OVERCOUNTS = re.compile(r"(?:is|'m|'ve|am|be|might be|we|i) (?:over|double-?)count|missed|forgot")
_COUNTED = re.compile(
    r"\bways\b|number of|how many|total|outcome|choices|people|arrang|choose (?:which|from|two|three)"
)
_FEWEST_MEMBERS = 4
_MEMBERS = re.compile(r"(?:\A|\n)\s*(?:[-*•|]|\(?\d{1,3}[.):])[^\n=]*")
_LISTED = re.compile(r"(?:\n\s*(?:[-*•|]|\d{1,2}[.)]|\([^)]+, ).*){3}|(?:[\d)}]+, ){4}|(?:\), ?\(.{1,12}){2}")
_ENUMERABLE = OPERATIONS | {
    skills.METHOD,
    skills.SUBGOAL,
    skills.DIVISIBILITY,
}
_AGREES = re.compile(
    r"same (?:answer|result|thing)|matches|(?:all|both) (?:of (?:them|these) )?(?:lead|agree)|consistent with|both (?:ways|methods|approaches)|another way"
    r"|\bsolid|makes sense|reasonable|checks out"
)
_SEEKS = re.compile(rf"{INTERJECTIONS}(?:compute|find|subtract|add|divide|multiply|count|take|let's|let me|(?:we|i) (?:also )?(?:need|want))\b|.*how (?:many|much)\b")
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
_OPERATED = re.compile(rf"{LETTER_TERM.pattern}|\\frac|\d ?[+*/×·^] ?\d|\)\^|[²³√]")
_EXPRESSED = re.compile(
    rf"(?:would be|will be|can be written as|expressed as|is)[\s:'\"“$\\\[(]{{0,6}}(?:\d+ ?[-+*/] ?\d*{UNKNOWN}|\d*{UNKNOWN} ?[-+*/^] ?\w|\d+{UNKNOWN})"
)
_NAMES_VALUE = re.compile(r"\A[^-+*/^=]*\b[a-z]{1,2} ?=[^=]*\Z")
_NAMES_EQUATION = re.compile(r"equation|system|proportion|\bset\b|inequalit|express|write")
_REMEMBERS = re.compile(rf"{INTERJECTIONS}(?:(?:i|we|let me|let's|should|need to|can) )*(?:recall|remember)\b")
_RECALLS = re.compile(r"recall|remember")
_LOGARITHM = re.compile(
    r"\blog|\\log|\bln\b|same base|exponential|(?:add|equat|set)\w* the exponents"
    r"|exponents equal"
)
_GIVEN = re.compile(r"(?:is|are|was|'re|'s) given(?! by)|given (?:that|as|in)\b")
_DOUBTFUL = re.compile(
    r"\b(?:maybe|perhaps|possibly|might be|could be|may be|could it|what if|unless)\b|is there\b"
)
_TRIES = re.compile(
    rf"\b(?:try|test|take|testing|trying)\w* (?:with )?(?:\S+ )?{UNKNOWN} ?=|{UNKNOWN} ?= ?-?\d+ ?:"
)
_SUPPOSES = re.compile(r"\b(?:suppos|assum|let's say|pretend|imagine)")
_CONDITIONAL = re.compile(
    rf"(?:\A|[.?!\n] ?){INTERJECTIONS}(?:if|when|for|suppose)\b[^=<>]{{0,40}}(?:[=<>≤≥]|\bthen\b)|\Aif\b"
)
_INFERS = re.compile(
    r"\b(?:because|since|therefore|thus|hence|so|must|means?|implies|can't|cannot|only|if|then"
    r"|which is why|due to"
    r"|regardless|follows|always|either|unless|would)\b|⇒|→|\\implies"
)
_OBJECTS = re.compile(r"(?:hm+,? ?)?(?:wait,? (?:but|no)|but wait|no,? wait|but (?:earlier|hold on))\b")
_POWER_OF_NUMBER = re.compile(r"\d\)?(?:\^\{?\d+\}?|[²³]) ?[≈=] ?-?\d")
_WRITES = re.compile(r"writ|express|split|becomes|turn|as follows")
_DISPLAYED = re.compile(rf"(?:\\\[|:)\s*\n*\s*[^=\n]{{0,30}}{UNKNOWN}[^=\n]{{0,12}}[-+*/^][^=]{{0,80}}\Z")
_DISAGREES = re.compile(r"which (?:one )?is correct\?|went wrong|flawed|incorrect|mistake|different from what")
_SHORT = 120  # characters
_ASKED_VALUE = re.compile(r"= ?\?\Z")
_EXPANDS = re.compile(r"expand\w*\b[^.]{0,60}[()]|foil\b")
_OTHERWISE = re.compile(rf"{INTERJECTIONS}(?:alternatively|(?:let me (?:think of|try|consider|use) |let's (?:think of|try|consider|use) )?(?:another|a different) (?:way|approach|method))\b")
_OTHER_WAY = re.compile(
    r"alternativ|(?:better|easier|simpler|smarter) (?:way|approach|method|to)\b|(?:another|different"
    r"|other) (?:way|approach|method|idea)"
)
_SATISFIED = re.compile(
    r"thorough|certain|confident|\bdone\b|makes? sense|(?<!not )(?<!not be )straightforward|seems? (?:right|good|fine"
    r"|plausible)|\bsolid|that's (?:it|all)\b"
    r"|cover(?:s|ed) (?:all|everything)|got (?:it|this)\b|n't (?:think|see|find) [^.]*(?:error|mistake|issue|miss)|(?:comput|calculat"
    r"|count)\w* [^.]{0,30}again"
)
_PROPOSES = re.compile(
    rf"{INTERJECTIONS}(?:let me|let's|let us|i'll|we'll|i should|i can|we can|we could|i could)\b"
)
_AIMS = re.compile(r"\b(?:i|we)(?:'d| would| now| also| just| still| only)* (?:need|have|want) to\b")
_SUPPOSED = re.compile(rf"{INTERJECTIONS}(?:let|take|consider|when|with|where|here)\b[^=]*{UNKNOWN}_?\d? ?=")
_RESULT_LAST = re.compile(
    r"(?:\b(?:is|are|equals?|be|gives?|get)|that's|=|:|→) (?:\S+ )?[-$\\(]*\d\S*(?: \w+)?\W*\Z|=[^=]*\d\W*\Z"
)
_QUOTES = re.compile(
    r"(?:problem|question|statement|says|phrase|interpret\w*|definition|wording)\b[^.]*[\"“]\w"
)
_BEGINS = re.compile(
    r"problem|puzzle|riddle|question|given|\basks?\b|\bfind\b|need|want|figure|determine|solve|calculate"
    r"|comput|convert|simplif|\bhave (?:this|these|an?|the|two|three)\b"
)
_WORDS = re.compile(r"[a-z]{2,}")
_DRAWS = re.compile(rf"{CONCLUDES.pattern}|\b(?:therefore|thus|hence|which means|that means|so\b|(?:i|we)(?:'ll| will| can| should))\b|\blet\b")
_APPLIES = re.compile(rf"{INTERJECTIONS}(?:i |we )?(?:can )?apply(?:ing)? (?:this|that|it|the (?:\w+ ){{0,3}}(?:formula|theorem|identity|rule|law))\b")
_CASE = re.compile(rf"{INTERJECTIONS}(?:what about )?case \w{{1,3}}\b")
_TESTS = re.compile(rf"{INTERJECTIONS}(?:another|one more) (?:test|check)\b")
_RECAPS = re.compile(r"\A[^.:\n]{0,90}\b(?:recap\b|summari[sz]|in summary)|\A(?:so,? )?the key (?:(?:\w+ )?(?:was|were)|points|steps)\b")
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
    if (before is skills.CHECKING and CONFIRMED.search(text.lower)) or (
        "check" in lower or "test" in lower
    ) and _TESTS.match(text.lower):
        return skills.CHECKING
    if before is None and _is_question(text, scores, asked):
        return skills.READING
    if (
        ('"' in lower or "“" in lower)
        and _QUOTES.search(text.lower)
        and skills.CHECKING not in scores
        and skills.ANSWERING not in scores
    ):
        return skills.READING
    if skills.OTHER_METHOD in scores and _OTHERWISE.match(text.lower):
        return skills.OTHER_METHOD
    if not text.computes and "case" in lower and _CASE.match(lower):
        return skills.CASES
    if text.equals and "appl" in lower and _APPLIES.match(text.lower):
        return skills.APPLYING
    if ("recap" in lower or "summar" in lower or "the key" in lower) and _RECAPS.search(text.lower):
        return skills.RECAPPING
    if not text.computes and _is_list(text.lower):
        return skills.LISTING
    talk = None if text.computes else Talk(text, asked)
    reads_on = before is skills.READING and _restates(text, asked) and not _draws(text)
    if talk and (talk.reads or reads_on or _rereads(text, asked)) and not _ASSURES.search(text.lower):
        return skills.READING
    least = _SHARE * max(sum(shares.values()), 1)
    for skill in sorted(scores, key=scores.__getitem__, reverse=True):
        if skill in ACTS and shares.get(skill, 0) < least:
            continue
        if talk and talk.most and skill.family in _FIELDS:
            continue
        if skill is skills.ANSWERING and text.equals > SOME_EQUATIONS and shares.get(skill, 0) < least and "boxed" not in lower:
            continue
        if skill is skills.READING and text.computes and 2 * shares.get(skill, 0) < sum(shares.values()):
            continue
        if (shown := _shown(skill, text, asked)) and _is_about(shown, text):
            return shown
    if not scores and len(_WORDS.findall(text.lower)) < _FEW_WORDS:
        return None
    form = _form(text, talk, asked)
    if form is skills.SITUATION and len(text.lower) < _SHORT:
        for skill in (skills.CHECKING, skills.RECONSIDERING):
            if scores.get(skill, 0.0) >= _CLEAR:
                return skill
    return skills.READING if before is None and form in _VAGUE else form


_FEW_WORDS = 4
_VAGUE = frozenset({skills.SITUATION, skills.INFERENCE, skills.RELATION, skills.RESULT})
_WORDS_OF_FORMULA = 4  # for each equation
_CLEAR = 2.0  # evidence of a sentence that says what it does


def _shown(skill: Skill, text: StepText, asked: Set[str]) -> Skill | None:
    """Return the skill, or a nearer one, that a text shows of a proposed one; None if it shows neither."""
    refined = _REFINED.get(skill)
    if refined:
        return refined(text)
    if skill in _ENUMERABLE and has_tuples(text.lower):
        return skills.LISTING
    if skill in OPERATIONS:
        return operation(text)
    if skill is skills.QUANTITY and not _restates(text, asked):
        return None
    condition = CONDITIONS.get(skill)
    if condition is None:
        return skill
    if skill is skills.SIMPLIFYING and _RECALLS.search(text.lower) and "theorem" in text.lower:
        return skills.RECALLING
    if skill is skills.SIMPLIFYING and LETTER_TERM.search(text.lower) and _EXPANDS.search(text.lower):
        return skills.EXPANDING
    if condition.needs.search(text.lower) and not (
        (text.computes and not condition.computes)
        or (condition.refuses and condition.refuses.search(text.lower))
    ):
        if skill in WORKS and not text.equals and TALKS.search(text.lower) and not LEAVES.search(text.lower):
            return skills.QUESTION if text.lower.endswith("?") else skills.METHOD
        return skill
    return skill if skill is skills.READING and _restates(text, asked) else None


def _is_list(lower: str) -> bool:
    """Whether most of a text are the members of a list."""
    members = _MEMBERS.findall(lower) if lower.count("\n") >= _FEWEST_MEMBERS else ()
    return len(members) >= _FEWEST_MEMBERS and 2 * sum(map(len, members)) > len(lower)


def _is_question(text: StepText, scores: Mapping[Skill, float], asked: Set[str]) -> bool:
    """Whether the first step of a trace is about the question."""
    if text.computes:
        head = text.sentences[0]
        return 2 * len(head) > len(text.lower) and bool(_BEGINS.search(head))
    only = len(scores) == 1 and skills.READING in scores
    return only or bool(_BEGINS.search(text.lower)) or _restates(text, asked)


def _is_about(skill: Skill, text: StepText) -> bool:
    """Whether a text that only tells has enough words of a skill's field."""
    condition = CONDITIONS.get(skill)
    if skill.family not in _FIELDS or skill in _DONE or condition is None or _FORMULA.search(text.lower):
        return True
    if skill is skills.COUNTING and _NUMBERS.search(text.lower):
        return True
    cues = len(condition.needs.findall(text.lower))
    return text.lower.count(" ") < (_WORDS_PER_CUE * cues if cues > 1 else _WORDS_OF_ONE_CUE)


def _rereads(text: StepText, asked: Set[str]) -> bool:
    """Whether a text repeats the question and draws nothing from it."""
    used = text.words
    return (
        len(used) >= _REREAD_WORDS
        and not _FORMULA.search(text.lower)
        and len(used & asked) >= _REREAD * len(used)
        and not _draws(text)
    )


def _draws(text: StepText) -> bool:
    """Whether a text asks, plans or concludes."""
    return text.lower.endswith("?") or _DRAWS.search(text.lower) is not None


def _restates(text: StepText, asked: Set[str]) -> bool:
    """Whether most words are the question's."""
    used = text.words
    return (
        len(used) >= _FEW_WORDS
        and text.equals < SOME_EQUATIONS
        and len(used & asked) >= _RESTATED * len(used)
    )


def _counting(text: StepText) -> Skill | None:
    """Return counting where something is counted; else what is done with the numbers of ways."""
    if _AGREES.search(text.lower):
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
        if FIGURE.search(lower) and not DERIVES.search(lower):
            return skills.FIGURE
        if COUNTS.search(lower):
            return _counting(text)
        condition = CONDITIONS[skill]
        if condition.refuses and condition.refuses.search(lower):
            return None
        return skill if condition.needs.search(lower) else None

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
    return skills.CASES if _CONDITIONAL.search(lower) and not CONCLUDES.match(lower) else None


def _conclusion(text: StepText) -> Skill | None:
    """Return a conclusion, if a text has words of one and does not compute."""
    lower = text.lower
    if text.computes or not CONCLUDES.match(lower):
        return None
    if _is_formula(lower, text.equals) and LETTER_TERM.search(lower):
        return algebra(text)
    if _EXPRESSED.search(lower):
        return skills.RELATION
    if _AGREES.search(lower):
        return skills.CHECKING
    if _SEEKS.match(lower):
        return skills.SUBGOAL
    if "rewrit" in lower:
        return skills.REWRITING
    if _SETS_UP.search(lower):
        return skills.METHOD
    if _DOUBTFUL.search(lower):
        return skills.METHOD if _WAYS.search(lower) else skills.POSSIBILITY
    return skills.CONCLUDING


def _checking(text: StepText) -> Skill | None:
    """Return a check; reconsidering where only its failure is said."""
    lower = text.lower
    if _FAILS.search(lower) and not _CHECKS.search(lower):
        return skills.RECONSIDERING
    return skills.CHECKING if CONDITIONS[skills.CHECKING].needs.search(lower) else None


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
    condition = CONDITIONS[skills.EQUATION]
    if not condition.needs.search(lower) or (condition.refuses and condition.refuses.search(lower)):
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
    return skills.FACT if CONDITIONS[skills.FACT].needs.search(text.lower) else None


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


def _is_formula(lower: str, equals: int) -> bool:
    """Whether a text is made of equations with operations."""
    return 0 < len(_WORDS.findall(lower)) <= _WORDS_OF_FORMULA * equals and _OPERATED.search(lower) is not None


def _form(text: StepText, talk: Talk | None, asked: Set[str]) -> Skill:
    """Return what the form of a text says that it does."""
    lower = text.lower
    if text.computes and (done := operation(text)):
        return done
    if text.equals and has_binomials(lower):
        return skills.BINOMIALS
    if _restates(text, asked) and not CONCLUDES.match(lower):
        return skills.READING
    if _POWER_OF_NUMBER.search(lower):
        return skills.POWERS
    if _OTHER_WAY.search(lower):
        return skills.OTHER_METHOD
    if FIGURE.search(lower):
        return skills.FIGURE
    if _DISAGREES.search(lower):
        return skills.RECONSIDERING
    doubt = CONDITIONS[skills.RECONSIDERING]
    if (
        len(lower) < _SHORT
        and doubt.needs.search(lower)
        and not (doubt.refuses and doubt.refuses.search(lower))
    ):
        return skills.RECONSIDERING
    if _DOUBTFUL.search(lower) and most(text, _DOUBTFUL):
        return skills.POSSIBILITY
    if lower.endswith("?") and not _ASKED_VALUE.search(lower):
        return skills.QUESTION
    if "like terms" in lower:
        return skills.SIMPLIFYING
    if 3 * sum(match.end() - match.start() for match in _LISTED.finditer(lower)) > len(lower):
        return skills.LISTING
    if talk and talk.plans:
        return skills.SUBGOAL if _SEEKS.match(lower) or _AIMS.search(lower) else skills.METHOD
    if not text.equals and _DISPLAYED.search(lower):
        return skills.REWRITING if _WRITES.search(lower) else skills.ALGEBRA
    if _is_formula(lower, text.equals):
        return skills.ALGEBRA if LETTER_TERM.search(lower) else skills.ARITHMETIC
    if CONCLUDES.match(lower):
        return skills.CONCLUDING
    if _SATISFIED.search(lower) and most(text, _SATISFIED):
        return skills.CHECKING
    if _AIMS.search(lower):
        return skills.SUBGOAL
    if SOME_EQUATIONS <= text.equals and lower.count(" ") < PROSE * text.equals and "=" not in ASSIGNMENT.sub("", lower):
        return skills.VALUE
    if _AGREES.search(lower):
        return skills.CHECKING
    if _REMEMBERS.match(lower):
        return skills.FACT
    if _INFERS.search(lower):
        return skills.INFERENCE
    if _SEEKS.match(lower):
        return skills.SUBGOAL
    if _PROPOSES.match(lower):
        return skills.METHOD
    if _OBJECTS.match(lower):
        return skills.RECONSIDERING
    if CASE_LINES.search(lower):
        return skills.CASES
    if _SUPPOSED.match(lower):
        return skills.VALUE
    if text.equals and LETTER_TERM.search(lower):
        return skills.ALGEBRA
    if _RESULT_LAST.search(lower):
        return skills.RESULT
    return skills.RELATION if text.equals else skills.SITUATION
