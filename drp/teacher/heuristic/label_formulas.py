"""Read from numbers, signs and equations what a step does with them."""

import re
from collections.abc import Mapping, Sequence

from drp.teacher.heuristic.label_conditions import INTERJECTIONS, OPERATION, RESULT, SIGNS, UNKNOWN, StepText
from drp.traces import Skill, skills

_DOMINANT = 0.6  # share of one operation among all
_LONGEST_TOLD = 160  # characters of a text that tells an operation in words
SOME_EQUATIONS = 2
_BECOMES = re.compile(r"(?:expression|numerator|denominator|fraction|product|this) (?:is|becomes|as)\b")
_WORDS_PER_POWER = 10
_SOME_BINOMIALS = 2
_POWER = re.compile(
    r"[\d|]\)? ?(?:\^|[²³]|\*\*(?=\d))|√ ?\(?\d|sqrt[({\[]\d|\d (?:squared|cubed)|(?:square"
    r"|cube) roots? of \d"
    r"|perfect (?:square|cube)|to the (?:\w+ )?power|exponents?\b"
)
_POWER_SIGNS = (
    *("^", "²", "³", "**", "√", "sqrt", "squared", "cubed", "root", "perfect", "power", "exponent"),
)
"""Each match of _POWER has one of these; a search for them is cheaper."""
_ABOUT_POWERS = re.compile(r"perfect (?:square|cube)|power|exponent|squared|cubed")
_FRACTION = re.compile(r"\d/\d|\\d?frac\{ ?-?\d+ ?\}\{ ?\d+ ?\}")
BINOMIAL = re.compile(  # begins with a set of characters, to which `re` skips
    r"[bcf\d](?:(?<=b)inom|(?<=c)(?<!\wc)\((?!0,)\w+, ?\w+\)|(?<=f)actorial"
    r"|(?<=\d)(?:\d* ?c ?\d| choose \d|\)?!))"
)
OPERATIONS = frozenset(
    {*SIGNS.values(), skills.POWERS, skills.FRACTIONS, skills.ARITHMETIC},
)
_OPERATION_WORDS: tuple[tuple[Skill, re.Pattern[str]], ...] = (
    (skills.MULTIPLICATION, re.compile(r"multipl|\btimes\b|product|doubl|tripl|twice")),
    (skills.DIVISION, re.compile(r"divid|division|quotient|goes into")),
    (skills.SUBTRACTION, re.compile(r"subtract|minus|take away")),
    (skills.ADDITION, re.compile(r"\badd|\bsums?\b|plus|altogether")),
    (
        skills.FRACTIONS,
        re.compile(r"fraction|percent|decimal|ratio\b|\d%|simplif|reduce"),
    ),
)
_FACTORS_OF_ONE = re.compile(r"prime|exponent|\bfactors?\b|floor")
_TUPLES = re.compile(r"(?:-?\d+, ?(?:and )?){5}|(?:[({]\d+(?:, ?\d+)+[)}][^(){}]{0,40}){4}")
_LONGEST_BETWEEN = 16  # characters of a text for each comma
_FEWEST_COMMAS = 4  # in a match of _TUPLES
LETTER_TERM = re.compile(rf"{UNKNOWN}_?\d?(?:\^\{{?\w|[²³])?[)\s]*[-+*/^]|[-+*/] ?\(?\d*{UNKNOWN}|\d[a-z]\b")
_SOLVING_STEMS = ("solution", "solv", "sides", "root", "isolat")  # of each match of _SOLVES
_SOLVES = re.compile(
    r"\bsolutions? (?:is|are)|\bsolv\w+[^.]{0,60}=|both sides"
    r"|\broots?\b[^.]{0,20}= ?[(\[]|isolat"
)
_FACTORS = re.compile(r"factori[sz]|numbers that multiply|multiply to .* add")
_QUOTIENT = re.compile(r"\d/\d+ ?= ?\d+\b(?!/)")
_JUDGES = re.compile(r"\b(?:in)?valid\b|\bsame\b|allowed|\bpairs?\b")
_DIVIDES = ("quotient", "goes into", "bring down", "long division")
_MIXED = (skills.ARITHMETIC, skills.POWERS)
_LONGEST_PROSE = 25  # words for each operation in a text that computes more than it argues
_WORDS_PER_OPERATION = 12
_CHOOSES = re.compile(
    r"number of (?:\S+ )?(?:ways|pairs|tri|arrang|permut|subset|outcome|word|group|set)"
    r"|\bways\b|\bchoose|choices|c\(\d|arrang"
)
_WAYS = re.compile(r"\bcases?\b|\bways\b|choices|arrang|number of (?!permut|combin|term)")
CALCULUS = re.compile(
    r"\b[fgh]['′]\(|integrals?\b|integrat(?:e|ing)\b|antideriv|\\int\b|∫|derivative"
    r"|differentiat"
)
PROSE = 9  # words for each equation from which on a text tells more than it transforms
_WORDY = 12  # words for each sign of order
_NAMES = re.compile(rf"{UNKNOWN}|(?<![a-z])[a-z]\d")
_ALGEBRA: tuple[tuple[Skill, Sequence[str], re.Pattern[str]], ...] = (
    (skills.COMPLEX, ("e^{i", "e^(i", "i^"), re.compile(r"e\^[{(]i|(?<![a-z])i\^")),
    (skills.CALCULUS, ("integra", "deriv", "int", "∫", "differ", "'(", "′("), CALCULUS),
    (skills.SQUARE, ("complet",), re.compile(r"complet\w* the square")),
    (skills.DIVISIBILITY, ("mod", "≡", "equiv"), re.compile(r"\bmod\b|pmod|≡|\\equiv|\bmod\d")),
    (
        skills.SUBSTITUTION,
        ("substitut", "plug", "replac"),
        re.compile(r"substitut|plug(?:ging|s)? |replac(?:e|ing)"),
    ),
    (
        skills.EXPANDING,
        ("expand", "distribut", "foil", "multiply"),
        re.compile(r"expand|distribut(?:e|es|ing|ive)\b|\bfoil\b|multiply\w* out"),
    ),
    (
        skills.FACTORING,
        ("factor",),
        re.compile(
            r"factor(?:ed|ing|i[sz]\w+)\b|factors? (?:into|as)\b|factor:|factor (?:out|it|the|this"
            r"|\d)"
        ),
    ),
    (
        skills.SIMPLIFYING,
        ("simplify",),
        re.compile(
            r"\A.{0,60}\bsimplify(?:ing)?\b(?!.*(?:both sides"
            r"|isolat))",
            re.S,
        ),
    ),
    (
        skills.SIMPLIFYING,
        ("like terms",),
        re.compile(
            r"\A(?!.*(?:both sides|isolat"
            r"|\bsolv))(?s:.*)like terms",
            re.S,
        ),
    ),
    (
        skills.SOLVING,
        (
            *("side", "isolat", "solv", "cross", "mov", "rearrang", "quadratic", "discriminant", "divid"),
            *("multipl", "add", "subtract", "eliminat", "equation", "squar"),
        ),
        re.compile(
            r"both sides|isolat|\bsolv(?:e|ing)|cross[- ]?multipl|\bmov(?:e|ing) |rearrang(?:e the eq"
            r"|ing)|quadratic formula"
            r"|discriminant"
            r"|each side|(?:divid|multipl)\w* through|(?:add|subtract)\w* (?:the "
            r"|these )?(?:two )?equation|eliminat"
            r"|equations? (?:gives|yields)|squar\w+ all"
        ),
    ),
    (
        skills.SIMPLIFYING,
        ("simplif", "combin", "cancel", "reduc", "like terms", "common denominator"),
        re.compile(r"simplif|combin|cancel|reduc|like terms|common denominator"),
    ),
    (skills.REWRITING, ("rewrit", "standard form"), re.compile(r"\brewrit|standard form")),
    (
        skills.SETS,
        ("∩", "∪", "∅", "subset", "disjoint", "cap", "cup"),
        re.compile(r"∩|∪|∅|\bsubsets?\b|disjoint|\\cap\b|\\cup\b"),
    ),
    (
        skills.COMPLEX,
        ("i", "conjugat", "complex"),
        re.compile(r"imaginar|conjugat|complex number|\bi² ?=|i\^2 ?=|\d\s?i\b[^=]*\d\s?i\b"),
    ),
    (
        skills.VECTORS,
        ("vector", "matri", "determinant", "dot product", "mathbf", "\\vec"),
        re.compile(r"\\(?:mathbf|vec)\b|vector|matri[xc]|determinant|dot product"),
    ),
    (skills.TRIGONOMETRY, ("sin", "cos", "tan"), re.compile(r"(?:\b|\\)(?:sin|cos|tan)\b")),
    (skills.PROBABILITY, ("probab",), re.compile(r"probab")),
    (skills.FUNCTIONS, ("(", "function"), re.compile(r"\b[fgh]\( ?[^()]{1,14}\)+ ?=|\bfunction")),
    (skills.LOGARITHMS, ("log", "ln"), re.compile(r"\\?log|\\?\bln\b")),
    (skills.BINOMIALS, ("binom", "c", "!"), BINOMIAL),
    (
        skills.SEQUENCES,
        ("sequence", "series", "sum", "common ", "a_"),
        re.compile(r"\bsequence|\bseries\b|\\sum|common (?:difference|ratio)|a_\{?n"),
    ),
    (
        skills.GEOMETRY,
        ("angle", "radius", "area", "perimeter", "hypotenuse", "volume", "perpendicular"),
        re.compile(r"triangle|\bangle|radius|\barea\b|perimeter|hypotenuse|volume|perpendicular"),
    ),
    (
        skills.COORDINATES,
        ("slope", "coordinate", "axis", "parabola", "vertex"),
        re.compile(r"slope|coordinate|axis|parabola|vertex"),
    ),
)
"""What is done with an equation, by the first of these that the text names.

Each match of a pattern has one of the words beside it; a search for them is cheaper.
"""
_ORDER = re.compile(r"[<>≤≥\\](?:(?<!\\)(?<![=-].)|(?<=\\)[lg]eq?\b)")
_VALUE_LAST = re.compile(
    rf"(?<![-+*/])(?<![-+*/] ){UNKNOWN}(?:_\{{?\w+\}}?)? ?=[^=]{{0,12}}-?\d[\d.,/\s$\\)]*\Z"
)
_VARIABLE = re.compile(UNKNOWN)
ASSIGNMENT = re.compile(
    r"(?<![-+*/^=)])(?<![-+*/^=)] )\b[a-z]{1,2}(?:_?\{?\d\}?)? ?= ?(?:[-±]?[\d.,/]+|∅|\{[^}]*\}"
    r"|\\emptyset)(?![\d ]*[-+*^·×(√/])"
)
_UNSOLVED = re.compile(rf"{UNKNOWN} ?[-+*/] ?\d+[)\s]*(?:/ ?\d+\s?)?= ?-?\d")
_NUMBER_LAST = re.compile(r"[=≈] ?-?[($\\]*\d[\d.,]*(?:/\d+)?[)$\\%]*\s*(?:\Z|[\n.,;)⇒(])")
_STATES_VALUE = re.compile(
    r"both sides|each side|isolat|\bsolv|substitut|plug|simplif|expand|factor(?:ed|ing|i[sz])"
)
_OPERATES = re.compile(rf"{UNKNOWN}\)? ?(?:[-+*/²^]|\\)[^=\n]{{0,40}}=|\d ?{UNKNOWN}|[a-z] ?[-+*/] ?\d")
_WORDS_OF_VALUES = 14
_ASSIGNS = re.compile(
    rf"(?P<first>{UNKNOWN}) ?= ?-?\\?\d[^=,\n]{{0,24}},? (?:and )?(?:\\\( ?)?"
    rf"(?P<second>{UNKNOWN}) ?= ?-?\\?\d[^=\n]{{0,24}}\Z"
)
_EVALUATED = re.compile(rf"{LETTER_TERM.pattern}|\b[fghp]\(")
_COMPUTED = re.compile(
    r"(?<![a-z_\d])\d+[)\s$]*(?:[-+*/×·⋅÷−^²³]|\\times|\\cdot)(?:[^=a-z\n]|\\[a-z]+){0,80}[=≈] ?[-(√$\\]*\d"
)
FACTORED = re.compile(r"[a-z²³\d] ?[-+][^=()]*= ?\\?[( ]?-?\d*[a-z]?(?:\([^()=]*\)[ ^\d²³{}]*)+[\s.$\\)]*\Z")
_CONFIRMED = re.compile(
    r"formula (?:works|holds)|works for|\b(?:correct|good|perfect|works|right|matches|checks out|yes"
    r"|yep)[.!\s]*\Z"
)
_CONFIRMING = (
    *("works", "holds", "correct", "good", "perfect", "right", "matches", "checks out", "yes", "yep"),
)
"""Each match of _CONFIRMED has one of these; a search for them is cheaper."""
_SETS = re.compile(r"\bset(?:ting)?\b|equation|equal to|condition")
_BOTH_SIDES = re.compile(
    r"[a-z)\]] ?[-+*/^²][^=]*=[^=]*[a-z)\]\d] ?[-+*/^²]|(?:frac|\^)[^=]*=[^=]*(?:frac|\^)"
)
CASE_LINES = re.compile(
    r"(?:\A|\n)(?:(?:next|now|starting|similarly|then|for|with|when"
    r"|if)\b,? ?){0,3}\W*[a-z]\d? ?= ?-?\d+(?: ?\\\)|\$)? ?[:(⇒→]"
)
_WRITES_DOWN = re.compile(r"write down|writ(?:e|ing) out|\blist|so far|summar|table|tabulate")
CONCLUDES = re.compile(
    rf"{INTERJECTIONS}(?<=so)[, ]|{INTERJECTIONS}(?:therefore|thus|hence|so|then|that means|this means"
    rf"|which means"
    r"|that gives|this gives|consequently|in conclusion)\b"
)


def is_confirmed(lower: str) -> bool:
    """Whether a text ends in a confirmation."""
    return any(map(lower.__contains__, _CONFIRMING)) and _CONFIRMED.search(lower) is not None


def has_tuples(lower: str) -> bool:
    """Whether many numbers or tuples make up a good part of a text."""
    commas = lower.count(",")
    if commas < _FEWEST_COMMAS or _LONGEST_BETWEEN * commas < len(lower):
        return False
    return _TUPLES.search(lower) is not None and not BINOMIAL.search(lower)


def has_binomials(lower: str, fewest: int = 1) -> bool:
    """Whether a text computes with binomial coefficients, and does not factor one."""
    return len(BINOMIAL.findall(lower)) >= fewest and not _FACTORS_OF_ONE.search(lower)


def operation(text: StepText) -> Skill | None:
    """Return the operation on numbers that most signs of a text stand for; arithmetic for a mixture."""
    lower = text.lower
    if any(map(lower.__contains__, _DIVIDES)):
        return skills.DIVISION
    if ("factori" in lower or "multiply" in lower) and _FACTORS.search(lower):
        return skills.FACTORING
    if "cancel" in lower:
        return skills.SIMPLIFYING
    found = _operations(lower)
    if found and _VARIABLE.search(lower):
        if any(map(lower.__contains__, _SOLVING_STEMS)) and _SOLVES.search(lower):
            return skills.SOLVING
        if len(LETTER_TERM.findall(lower)) >= sum(found.values()):
            return algebra(text)
    if found and not text.computes and _BECOMES.search(lower):
        return skills.REWRITING
    if tuple(found) == (skills.POWERS,) and lower.count(" ") > _WORDS_PER_POWER * found[skills.POWERS]:
        return None
    if found and not text.computes and _JUDGES.search(lower):
        return None
    if not found:
        return _told(lower)
    main = _main(lower, found)
    return (
        main if main is skills.COUNTING or lower.count(" ") <= _LONGEST_PROSE * sum(found.values()) else None
    )


def _operations(lower: str) -> dict[Skill, int]:
    """Count the operations on numbers."""
    found: dict[Skill, int] = {}
    for match in OPERATION.finditer(lower):
        skill = SIGNS[match["sign"]]
        if skill is skills.DIVISION and match["sign"] == "/" and " / " not in match[0]:
            continue  # a fraction is an operand
        found[skill] = found.get(skill, 0) + 1
    powers = len(_POWER.findall(lower)) if any(map(lower.__contains__, _POWER_SIGNS)) else 0
    if found:
        powers -= lower.count("perfect")  # 12 + 5 perfect squares are added
    if powers > 0 and (RESULT.search(lower) or _ABOUT_POWERS.search(lower)):
        found[skills.POWERS] = powers
    return found


def _told(lower: str) -> Skill | None:
    """Return the operation that words tell, beside a result or a fraction."""
    fraction = _FRACTION.search(lower)
    if not fraction and (not RESULT.search(lower) or _VARIABLE.search(lower)):
        return None
    if _QUOTIENT.search(lower):
        return skills.DIVISION
    if len(lower) > _LONGEST_TOLD:
        return None
    return next((skill for skill, pattern in _OPERATION_WORDS if pattern.search(lower)), None)


def _main(lower: str, found: Mapping[Skill, int]) -> Skill:
    """Return the operation that dominates."""
    best = max(found, key=found.__getitem__)
    if found[best] >= _DOMINANT * sum(found.values()):
        best = skills.FRACTIONS if len(_FRACTION.findall(lower)) > found[best] else best
    else:
        best = skills.ARITHMETIC
    if has_binomials(lower, _SOME_BINOMIALS) and not _WAYS.search(lower):
        return skills.BINOMIALS
    told = lower.count(" ") > _WORDS_PER_OPERATION * sum(found.values())
    return skills.COUNTING if (told or best in _MIXED) and _CHOOSES.search(lower) else best


def algebra(text: StepText) -> Skill | None:
    """Return what is done with formulas with letters."""
    lower = text.lower
    without_values = ASSIGNMENT.sub("", lower)
    ordered = len(_ORDER.findall(lower))
    related = bool(ordered) or "=" in without_values
    if not related and not _STATES_VALUE.search(lower):
        return None
    for skill, stems, pattern in _ALGEBRA:
        if any(map(lower.__contains__, stems)) and pattern.search(lower):
            return skill
    if CASE_LINES.search(lower):
        if text.computes and not LETTER_TERM.search(lower) and (done := operation(text)):
            return done
        return skills.LISTING if _WRITES_DOWN.search(lower) else skills.CASES
    if ordered and ordered >= text.equals:
        if _WAYS.search(lower):
            return None
        return skills.INEQUALITIES if len(lower.split()) <= _WORDY * ordered else None
    if lower.count(" ") < _WORDS_OF_VALUES and (assigns := _ASSIGNS.search(lower)):
        return skills.SOLVING if assigns["first"] == assigns["second"] else skills.VALUE
    if _UNSOLVED.search(lower):
        return skills.SOLVING if _VALUE_LAST.search(lower) else skills.EQUATION
    if text.computes and _NUMBER_LAST.search(lower) and _COMPUTED.search(lower):
        found = _operations(lower)
        done = _main(lower, found) if found else skills.EVALUATING
        evaluates = done is skills.ARITHMETIC or _EVALUATED.search(without_values)
        return skills.EVALUATING if evaluates and _VARIABLE.search(lower) else done
    if not related:
        return None
    if is_confirmed(lower):
        return skills.CHECKING
    if FACTORED.search(lower):
        return skills.FACTORING
    equations = without_values.count("=") + lower.count("≈")
    if len(lower.split()) > PROSE * (equations + ordered):
        return None
    if _is_system(lower):
        return skills.EQUATION
    if text.equals >= SOME_EQUATIONS:
        return skills.SOLVING if _VALUE_LAST.search(lower) and _OPERATES.search(lower) else skills.ALGEBRA
    if _SETS.search(lower):
        return skills.EQUATION
    if _BOTH_SIDES.search(lower):
        return skills.ALGEBRA
    return skills.CONCLUDING if CONCLUDES.match(lower) else skills.RELATION


def _is_system(lower: str) -> bool:
    """Whether a text has several equations, each on a separate line and with other letters."""
    letters = [frozenset(_NAMES.findall(line)) for line in lower.split("\n") if line.count("=") == 1]
    return len(letters) > 1 and len(set(letters)) == len(letters)
