"""Label a unit with the mathematical skill it uses: the label k_i of a step (paper, section 3.1).

Each word and sign of a unit may point to a skill. The skill listed first in the table wins, because the
purpose of a unit (checking, planning) takes precedence over what it mentions. A unit without such a hint
continues the skill of the unit before it.
"""

import re
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


class Skill(NamedTuple):
    """A short name and its family (one of SKILL_FAMILIES)."""

    name: str
    family: str


class _Rule(NamedTuple):
    """Words that point to a skill; a word that ends in `-` is a stem: the first five letters of a word."""

    family: str
    skill: str
    words: str
    sign: str = r"(?!)"


_RULES = (
    _Rule("checking", "checking a result", "check check- doubl- verif- confi- sanity consi- sure"),
    _Rule("checking", "reconsidering", "wait hold mista- messed alter- another wrong incor- oops contr-"),
    _Rule("deduction", "stating the answer", "answer answers boxed"),
    _Rule("reading", "reading the question", "problem question asks asked asking read given gives"),
    _Rule(
        "modelling",
        "naming a quantity",
        "denote denot- define defin- denoted represents repre- call called suppo- assume",
    ),
    _Rule("modelling", "setting up an equation", "equation equat- setup setting expre- written trans-"),
    _Rule(
        "recalling", "recalling a formula", "formu- theor- recall remem- ident- rule rules prope- known know"
    ),
    _Rule(
        "planning",
        "choosing a method",
        "think try start break approach appro- figure step strat- plan should need tackle see",
    ),
    _Rule("counting", "probability", "proba- likely expec- outco- rando-"),
    _Rule(
        "counting",
        "counting",
        "ways choos- choice choic- combi- permu- binom count count- factorial arran- possi- many",
    ),
    _Rule(
        "geometry",
        "geometry",
        "trian- circl- angle angles radius radii polyg- paral- perpe- area areas perim- volum- diame- "
        "hypot- recta-"
        " coord- midpo- plane vector vecto- sphere cube side sides line lines point points slope",
    ),
    _Rule("geometry", "trigonometry", "sin cos tan theta degree degre- radia- sine cosine tangent"),
    _Rule(
        "arithmetic",
        "divisibility and primes",
        "divis- prime primes mod modulo remai- gcd lcm multiple multiples digit digits even odd",
    ),
    _Rule("algebra", "factoring", "factor facto-"),
    _Rule("algebra", "substitution", "subst- plug plugg- repla-"),
    _Rule("algebra", "expanding and simplifying", "expan- simpl- distr- cancel cance-"),
    _Rule(
        "algebra",
        "solving an equation",
        "solve solve- solvi- solut- both isola- quadr- root roots discr-",
        r"\d ?[a-z] ?[-+=]|[a-z] ?= ?[-\d\\(]",
    ),
    _Rule(
        "algebra",
        "functions",
        "funct- polyn- graph deriv- seque- series term terms",
        r"\b[fgh]\([^)]{1,12}\)",
    ),
    _Rule(
        "arithmetic",
        "fractions and percentages",
        "perce- fract- ratio numer- denom- frac dfrac decimal",
        r"%|\d/\d",
    ),
    _Rule("arithmetic", "division", "divid- quoti- half", r"\d ?(?:÷|/) ?\d"),
    _Rule("arithmetic", "powers and roots", "sqrt square squar- cubed power powers expon-", r"[\^√²³]"),
    _Rule("arithmetic", "multiplication", "multi- times product produ- cdot double triple", r"\d ?[×*·] ?\d"),
    _Rule("arithmetic", "subtraction", "subtr- minus diffe- fewer less", r"\d ?[−–-] ?\d"),
    _Rule("arithmetic", "addition", "add added addin- plus sum total sums more together", r"\d ?\+ ?\d"),
    _Rule("deduction", "drawing a conclusion", "there- thus hence so because since impli- means must if"),
    _Rule("reading", "reading a given quantity", "has have", r"\d"),
)
UNLABELLED = Skill("reading the question", "reading")

_STEM = 5
_RANKS = {
    word.rstrip("-"): rank for rank, rule in reversed([*enumerate(_RULES)]) for word in rule.words.split()
}
_STEMS = {word[:-1] for rule in _RULES for word in rule.words.split() if word.endswith("-")}
_WORD = re.compile(r"[a-z][a-z]{1,19}")  # macros count as words: \sqrt, \boxed
_SIGNS = [(rank, re.compile(rule.sign)) for rank, rule in enumerate(_RULES) if rule.sign != r"(?!)"]
_IN_SIGNS = re.compile(r"[\d%^√²³(=]")  # every match of a sign contains one of these
_PREFIX = 400  # characters of a unit that decide its skill


@lru_cache(maxsize=8192)
def _rank(word: str) -> int:
    """Return the index of the first rule with the word or its stem; `len(_RULES)` if there is none."""
    stem = word[:_STEM]
    return _RANKS.get(word, _RANKS.get(stem, len(_RULES)) if stem in _STEMS else len(_RULES))


def skill_of(text: str) -> Skill | None:
    """Return the skill of a unit, or None if nothing points to one (an interjection, another language)."""
    lower = text[:_PREFIX].lower()
    no_rule = len(_RULES)
    best = min(map(_rank, _WORD.findall(lower)), default=no_rule)
    for rank, sign in _SIGNS if _IN_SIGNS.search(lower) else ():
        if rank >= best:
            break
        if sign.search(lower):
            best = rank
    return Skill(_RULES[best].skill, _RULES[best].family) if best < no_rule else None
