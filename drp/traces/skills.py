"""Score what a piece of text says for each mathematical skill: the labels of steps (paper, section 3.1).

Words and signs are evidence for skills, some strong and some weak. Evidence for a particular operation is
also weaker evidence for the general skill of its family, so that a mixture of operations adds up to
"arithmetic" or "algebraic manipulation". The scores of several sentences are added up.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

SKILL_FAMILIES = (
    "reading",
    "planning",
    "recalling",
    "modelling",
    "arithmetic",
    "algebra",
    "counting",
    "geometry",
    "deduction",
    "checking",
)


@dataclass(frozen=True, eq=False, slots=True)
class Skill:
    """A short name and its family (one of SKILL_FAMILIES).

    A skill is equal to itself only: names would be compared and hashed in every step of the search.
    """

    name: str
    family: str


class _Cues(NamedTuple):
    """Words that point to a skill, hints so faintly that only the whole sentence tells.

    A word that ends in `-` is a stem: the first five letters of a word.
    """

    skill: Skill
    strong: str = ""
    weak: str = ""
    hints: str = ""


CHECKING = Skill("checking a result", "checking")
RECONSIDERING = Skill("reconsidering", "checking")
ANSWERING = Skill("stating the answer", "deduction")
CONCLUDING = Skill("drawing a conclusion", "deduction")
RECAPPING = Skill("summing up", "deduction")
RESULT = Skill("stating a result", "deduction")
INFERENCE = Skill("logical inference", "deduction")
CASES = Skill("case analysis", "deduction")
ASSUMING = Skill("making an assumption", "deduction")
TRYING = Skill("trying a value", "deduction")
PATTERN = Skill("finding a pattern", "deduction")
READING = Skill("reading the question", "reading")
QUANTITY = Skill("reading a given quantity", "reading")
FIGURE = Skill("interpreting the figure", "reading")
METHOD = Skill("choosing a method", "planning")
OTHER_METHOD = Skill("considering an alternative", "planning")
POSSIBILITY = Skill("considering a possibility", "planning")
QUESTION = Skill("raising a question", "planning")
SUBGOAL = Skill("setting a subgoal", "planning")
FACT = Skill("recalling a fact", "recalling")
RECALLING = Skill("recalling a formula", "recalling")
APPLYING = Skill("applying a formula", "recalling")
NAMING = Skill("naming a quantity", "modelling")
EQUATION = Skill("setting up an equation", "modelling")
RELATION = Skill("expressing a relation", "modelling")
VALUE = Skill("assigning values", "modelling")
SITUATION = Skill("describing the situation", "modelling")
COUNTING = Skill("counting", "counting")
LISTING = Skill("making a list", "counting")
SETS = Skill("sets", "counting")
BINOMIALS = Skill("binomial coefficients and factorials", "counting")
PROBABILITY = Skill("probability", "counting")
GEOMETRY = Skill("geometry", "geometry")
COORDINATES = Skill("coordinate geometry", "geometry")
TRIGONOMETRY = Skill("trigonometry", "geometry")
ALGEBRA = Skill("algebraic manipulation", "algebra")
EXPANDING = Skill("expanding a product", "algebra")
REWRITING = Skill("rewriting an expression", "algebra")
SQUARE = Skill("completing the square", "algebra")
EVALUATING = Skill("evaluating an expression", "algebra")
FACTORING = Skill("factoring", "algebra")
SUBSTITUTION = Skill("substitution", "algebra")
SIMPLIFYING = Skill("simplifying an expression", "algebra")
SOLVING = Skill("solving an equation", "algebra")
INEQUALITIES = Skill("inequalities", "algebra")
OPTIMIZATION = Skill("optimization", "algebra")
LOGARITHMS = Skill("logarithms and exponents", "algebra")
POLYNOMIALS = Skill("polynomials", "algebra")
CALCULUS = Skill("calculus", "algebra")
FUNCTIONS = Skill("functions", "algebra")
SEQUENCES = Skill("sequences and series", "algebra")
VECTORS = Skill("vectors and matrices", "algebra")
COMPLEX = Skill("complex numbers", "algebra")
ARITHMETIC = Skill("arithmetic", "arithmetic")
DIVISIBILITY = Skill("divisibility and primes", "arithmetic")
UNITS = Skill("converting units", "arithmetic")
DIGITS = Skill("digits and place value", "arithmetic")
COMPARING = Skill("comparing quantities", "arithmetic")
AVERAGES = Skill("averages", "arithmetic")
FRACTIONS = Skill("fractions and percentages", "arithmetic")
ADDITION = Skill("addition", "arithmetic")
SUBTRACTION = Skill("subtraction", "arithmetic")
MULTIPLICATION = Skill("multiplication", "arithmetic")
DIVISION = Skill("division", "arithmetic")
POWERS = Skill("powers and roots", "arithmetic")
UNLABELLED = READING
"""The skill of a text without any evidence."""

_CUES = (
    _Cues(
        CHECKING,
        "check check- verif- sanity",
        "confi- consi-",
        "sure safe thorough certain careful just again once another same work- works work backw- reche- "
        "match- plug "
        "plugg- over see reveri- yes yep yeah yup good great perfect correct exactly right sense holds hold "
        "add adds "
        "fine valid agree agrees satis- before found calculated got",
    ),
    _Cues(RECONSIDERING, "oops recon- backt-", "mista- misre- wrong incor- contr-"),
    _Cues(ANSWERING, "boxed", "answer answers"),
    _Cues(CONCLUDING, "concl- deduc- infer-", "therefore thus hence impli- means must since because"),
    _Cues(CASES, "", "cases scena-", "case"),
    _Cues(READING, "read", "problem question asks asked asking says states"),
    _Cues(QUANTITY, "", "given"),
    _Cues(METHOD, "strat- plan", "method methods tackle try", "approach approaches"),
    _Cues(FACT, "recall remem-", "known"),
    _Cues(RECALLING, "theor-", "formu- ident- rule rules prope- defin-"),
    _Cues(NAMING, "denote denot- denoted", "define called repre- varia-"),
    _Cues(EQUATION, "setup translate transl-", "equation equat-"),
    _Cues(
        PROBABILITY,
        "probability probabilities probabilistic",
        "distribution chance chances likely expec- outco- rando- favor- dice coin",
    ),
    _Cues(
        COUNTING,
        "ways choose pascal combination combinations permu- "
        "binom arran- choic- subset enume- partit- union subsets",
        "count count- pairs choosing many",
        "binomial",
    ),
    _Cues(
        GEOMETRY,
        "triangle triangles circl- angle angles radius radii polyg- perpe- perim- diame- hypot- recta- "
        "quadrilateral bisec- altit- "
        "penta- hexag- tetra- sphere cylinder cone prism pyramid inscr- circu- chord isosc- equil- midpo-",
        "area areas volum- length lengths height congruent parallel vertex vertices",
        "cube side sides",
    ),
    _Cues(
        COORDINATES,
        "coord- slope axis parab- ellip- hyper- intercept",
        "intersect intersects intersection point points line lines graph dista- plane origin",
    ),
    _Cues(TRIGONOMETRY, "sin cos tan sine cosine trigo- cot sec csc", "theta degrees radians"),
    _Cues(VECTORS, "vector vecto- matrix matri- determinant determinants eigen- pmatrix"),
    _Cues(COMPLEX, "imaginary conju-", "complex"),
    _Cues(
        DIVISIBILITY,
        "divisible divisibility divisor divisors prime primes remainder remainders gcd lcm coprime "
        "modulo mod pmod equiv",
        "multiple multiples odd parity congruent",
        "integer integers",
    ),
    _Cues(UNITS, "conversion conversions", "convert converting converts units"),
    _Cues(DIGITS, "hexadecimal", "digit digits base tens hundreds thousands"),
    _Cues(FACTORING, "factoring factorize factored factorization factorisation", "factor factors"),
    _Cues(SUBSTITUTION, "subst- plug plugg-", "replace replacing"),
    _Cues(
        SIMPLIFYING,
        "expand expands expanded expanding simplify simplifies simplified simplifying simplification "
        "cancel cance- rationalize rationalizing",
        "combine combining",
        "distributing",
    ),
    _Cues(SOLVING, "solve solve- solvi- discr- isola-", "quadratic solut- roots rearr- linear"),
    _Cues(INEQUALITIES, "inequ-", "geq leq"),
    _Cues(OPTIMIZATION, "maximize minimize", "maxim- minim-"),
    _Cues(
        COMPARING,
        "compare compares compared comparing comparison",
        "greater larger smaller",
        "larges- smalles-",
    ),
    _Cues(LOGARITHMS, "log logar- ln", "exponent exponents"),
    _Cues(POLYNOMIALS, "polyn- expansion expansions", "degree", "coeff-"),
    _Cues(FUNCTIONS, "function funct- domain derivative derivatives integral", "inverse range"),
    _Cues(SEQUENCES, "seque- progr-", "series"),
    _Cues(PATTERN, "patte- cycle cycles"),
    _Cues(AVERAGES, "avera- median", "mean"),
    _Cues(FRACTIONS, "perce- fract- decimal", "numerator numerators denom- ratio frac dfrac"),
    _Cues(DIVISION, "", "divid- division quoti- half"),
    _Cues(POWERS, "", "sqrt squared squar- cubed cube cubes root power powers"),
    _Cues(
        MULTIPLICATION,
        "",
        "multiplied multiply multiplying multiplication times product cdot double factorial factorials",
    ),
    _Cues(SUBTRACTION, "", "subtr- minus difference differences fewer"),
    _Cues(ADDITION, "", "add added adding addition plus sum sums"),
)
_NO_SIGN = ""  # of a text whose only sign is the bar of a fraction
_SIGNS = {
    **dict.fromkeys("+", ADDITION),
    **dict.fromkeys("-−–", SUBTRACTION),
    **dict.fromkeys("*×·∗⋅", MULTIPLICATION),
    **dict.fromkeys("/÷", DIVISION),
    **dict.fromkeys("^²³√", POWERS),
    **dict.fromkeys("%", FRACTIONS),
    **dict.fromkeys("!", MULTIPLICATION),
    _NO_SIGN: FRACTIONS,
}
_GENERAL = {"arithmetic": ARITHMETIC, "algebra": ALGEBRA}

_STRONG = 2.0
_WEAK = 0.8
_HINT = 0.1
_SIGN = 1.5  # all operations of a text together
_SIGN_IN_WORDS = 1.0  # a formula with letters inside a sentence
_GENERAL_SHARE = 0.7
_STEM = 5
_PREFIX = 400  # characters of a text that are looked at
_WORD = re.compile(r"[a-z][a-z]{1,19}")  # macros count as words: \sqrt, \boxed
_OPERATION = re.compile(  # 3 + 4, 8 - 3, 8-3 = 5; a range like 0-9 is none
    r"[-−–+*×·∗⋅/÷^%!²³√](?:(?<=[²³√])|(?<=\d[%!])|(?:(?<=[\d)%!].)|(?<=[\d)%!] .))(?= ?[-\d(\\√])"
    r"(?:(?<![-−–])|(?= |\d+ ?=)))"
)
_FRACTION = re.compile(r"/(?<=\d/)(?=\d)")
_LETTER = r"[^a-z\\'’][b-hj-z]"
_VARIABLE = re.compile(  # a sign beside a letter of a formula that is computed with: x = 3, 2n + 1, s^2
    rf"[-+=^*/<>≤≥²³](?:(?<={_LETTER}.)|(?<={_LETTER}[ )].)|(?<=[^a-z\\'’]a[=+^<>²])|(?<=[^a-z\\'’]a [=+^<>])"
    r"|(?<=[\da-z)].) ?\d{0,4}[b-hj-z](?![a-z'’])|(?<=[\da-z)] .) "
    r"?\d{0,4}[b-hj-z](?![a-z'’]))(?!(?<=-)[a-z]{2})"
)
_IN_OPERATIONS = re.compile(r"[=+*/^×·÷²³√%!<>−–≤≥-]")
_IMAGINARY = re.compile(r"i(?:(?<=\di)(?![a-z'’])|²|\^\{?2)")  # 3i, i²
_ORDERED = re.compile(r"(?<![=-])[<>≤≥]|\\[lg]eq?\b")
_NAMED = re.compile(r"\b(?:(?P<function>[fgh])|(?P<choose>c)(?=\([^()]{1,12},))\(")
_FORMULA_WORDS = 4  # a text with fewer words is a formula


def _weights() -> tuple[dict[str, list[tuple[Skill, float]]], dict[str, list[tuple[Skill, float]]]]:
    whole: dict[str, list[tuple[Skill, float]]] = {}
    stems: dict[str, list[tuple[Skill, float]]] = {}
    for cues in _CUES:
        for words, weight in ((cues.strong, _STRONG), (cues.weak, _WEAK), (cues.hints, _HINT)):
            for word in words.split():
                table = stems if word.endswith("-") else whole
                table.setdefault(word.rstrip("-")[:_STEM] if table is stems else word, []).append(
                    (cues.skill, weight)
                )
    return whole, stems


_WHOLE, _STEMS = _weights()


@lru_cache(maxsize=8192)
def _evidence(word: str) -> tuple[tuple[Skill, float], ...]:
    """Return the skills that a word points to, each with its weight, general skills included."""
    weights = dict(_WHOLE.get(word) or _STEMS.get(word[:_STEM]) or ())
    for skill, weight in tuple(weights.items()):
        general = _GENERAL.get(skill.family)
        if general:
            weights[general] = max(weights.get(general, 0.0), weight * _GENERAL_SHARE)
    return tuple(weights.items())


def skill_scores(lower: str) -> dict[Skill, float]:
    """Return the evidence for each skill in a text in lower case; `{}` if nothing points to one."""
    lower = " " + lower[:_PREFIX]
    scores: dict[Skill, float] = {}
    found = _WORD.findall(lower)
    for evidence in filter(None, map(_evidence, found)):
        for skill, weight in evidence:
            if weight > scores.get(skill, 0.0):
                scores[skill] = weight
    if _IN_OPERATIONS.search(lower):
        if _VARIABLE.search(lower):
            named = _NAMED.search(lower) if "(" in lower else None
            if named:
                skill = FUNCTIONS if named["function"] else COUNTING
            else:
                skill = INEQUALITIES if _ORDERED.search(lower) else ALGEBRA
            weight = _SIGN if named or len(found) <= _FORMULA_WORDS else _SIGN_IN_WORDS
            scores[skill] = max(scores.get(skill, 0.0), weight)
        elif _IMAGINARY.search(lower):
            scores[COMPLEX] = max(scores.get(COMPLEX, 0.0), _SIGN)
        elif operations := _OPERATION.findall(lower):
            if "/" in operations and len(_FRACTION.findall(lower)) == operations.count("/"):
                # a fraction is an operand: 3/4 alone divides nothing
                operations = [sign for sign in operations if sign != "/"] or [_NO_SIGN]
            share = _SIGN / len(operations)
            for sign in operations:
                skill = _SIGNS[sign]
                scores[skill] = scores.get(skill, 0.0) + share
            scores[ARITHMETIC] = max(scores.get(ARITHMETIC, 0.0), _SIGN * _GENERAL_SHARE)
    return scores


def strongest(scores: Mapping[Skill, float]) -> Skill | None:
    """Return the skill with the largest score, the first of equals; None if there is none."""
    return max(scores, key=scores.__getitem__, default=None)


def skill_of(text: str) -> Skill | None:
    """Return the skill that a text points to, or None (an interjection, another language)."""
    return strongest(skill_scores(text.lower()))
