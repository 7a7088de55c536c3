"""Name the skill that a step shows.

The evidence of a step's sentences proposes skills; a step gets the first of them that its text shows. Words
mislead where nothing is done with them: "we could use the quadratic formula" applies no formula, a binomial
coefficient that is evaluated counts nothing, and "Wait" alone takes nothing back. So each skill has a condition
on the text, the operations are read from the signs between numbers, and what an equation is for from its words
and its form. Where nothing more is known, the step is called what its form says: a conclusion, an inference, a
question, a description.
"""

import re
from collections.abc import Callable, Mapping, Set
from typing import NamedTuple

from drp.traces import Skill, skills, words

_LONGEST = 1500  # characters of a step that are looked at
_SHARE = 0.35  # of a step's characters in the sentences that do what it is called after
_RESTATED = 0.5  # share of words from the question
_DOMINANT = 0.6  # share of one operation among all
_SOME_EQUATIONS = 2
_SOME_BINOMIALS = 3


class _Text(NamedTuple):
    """A step's text in lower case, and what it shows at a glance."""

    lower: str
    equals: int
    """Its equality signs."""
    computes: bool
    """Whether an operation on numbers has a result."""


class _Condition(NamedTuple):
    """What a text must have, and must not have, to show a skill."""

    needs: re.Pattern[str]
    refuses: re.Pattern[str] | None = None
    computes: bool = True
    """Whether a text that computes may show it."""


def _condition(needs: str, refuses: str = "", *, computes: bool = True) -> _Condition:
    return _Condition(re.compile(needs), re.compile(refuses) if refuses else None, computes)


_INTERJECTIONS = (
    r"[*#_\s]*(?:(?:okay|ok|so|now|then|alright|and|but|hm+|oh|well|wait|yes|yeah|no|actually|hold on|first|next|also"
    r"|let me see|let's see)\b[\s,.!…-]{0,4}){0,5}"
)
_ACTS: frozenset[Skill] = frozenset(
    {
        *(skills.METHOD, skills.SUBGOAL, skills.OTHER_METHOD, skills.FACT, skills.NAMING, skills.CASES),
        *(skills.RECONSIDERING, skills.CONCLUDING, skills.READING, skills.RECALLING, skills.PATTERN),
        *(skills.APPLYING, skills.SUBSTITUTION, skills.EQUATION, skills.QUANTITY),
    }
)
"""What a sentence does: a step is called after it if most of its sentences do it."""
_WORKS: frozenset[Skill] = frozenset(
    {
        *(
            skills.FACTORING,
            skills.SIMPLIFYING,
            skills.SUBSTITUTION,
            skills.APPLYING,
            skills.SOLVING,
            skills.EQUATION,
        ),
        *(skills.COMPARING, skills.UNITS, skills.NAMING),
    }
)
"""What is only talked about in a sentence that could or should do it."""
_TALKS = re.compile(
    r"\b(?:could|might|maybe|perhaps|can|should|try|would|need to|have to|want to|going to|if (?:we|i))\b"
)
_LEAVES = re.compile(r"\b(?:leaves|leaving|gives|becomes|which is|so it's|i get|we get)\b")
_UNKNOWN = r"(?<![a-z\\'’])(?:[b-hj-z]|a(?= ?[=+*^²<>]))(?![a-z'’])"
_CONDITIONS: Mapping[Skill, _Condition] = {
    skills.ANSWERING: _condition(r"answer|boxed|final|solution"),
    skills.RECAPPING: _condition(r"recap|summar|putting|all together|overall"),
    skills.CHECKING: _condition(
        r"check|verif|confirm|sure|sanity|correct|right|consistent|match|same|sense|works?\b|indeed|mistake|valid"
        r"|confident|agree|\byes\b|yep|yeah|good|wait|reasonable|satisf|holds|fine|possible|great|perfect|line up|fits"
        r"|adds? up|to be safe"
    ),
    skills.RECONSIDERING: _condition(
        r"wrong|mis(?:take|read|calc|count|understood|interp|remember)|error|incorrect|n't (?:\w+ )?(?:match|right|"
        r"correct|make|work|add|fit|seem|true|consistent|be|help|hold|satisfy|equal|possible|possibl)"
        r"|\bnot (?:\w+ )?(?:right|correct|true|possible|consistent|match|valid|equal|an integer|what|how|the case"
        r"|sure|helpful|clear|useful)|contradict|conflict|discrepan|confus|think again|think differently|reconsider"
        r"|rethink|complicat|seems? (?:a bit |kind of )?(?:too|odd|strange|weird|off|high|low)|\A.{0,30}hold on.{0,30}\Z|wait,? (?:no|is th|actually"
        r"|earlier|but earlier)\b|\bno,? wait|\A(?:but wait|wait,? but).{0,60}\Z|but wait, but|(?:but wait|wait,? but)[^.]*\?|\A(?:hm+, )?no\b(?=[,.])|\bbut (?:earlier|actually|in fact|hold)|forgot"
        r"|missed|overlook|stuck|that can't|which can't|impossible",
        r"(?:better|easier|simpler|smarter) (?:way|approach|method|to)\b|problem (?:statement|says|states)|avoid|n't (?:think|see|find) [^.]*(?:error|mistake|issue|miss)"
        r"|(?:comput|calculat|count)\w* [^.]{0,30}again",
    ),
    skills.READING: _condition(
        r"problem|question|given|asked|asks|asking|says|states|told",
        r"\b(?:might|may|likely|probably|perhaps|maybe)\b",
    ),
    skills.QUANTITY: _condition(
        r"\d|given", r"\btherefore\b|let me|let's|\bcall\b|\bso,? (?:the|there)", computes=False
    ),
    skills.METHOD: _condition(
        r"\buse|using|approach|method|\btry|start|begin|break|strateg|plan\b|think|visuali|imagine|figure|consider"
        r"|step|way\b|look at|work|draw|list|idea|going to|should|could|can\b|might|let'?s|need|focus|set up|find"
        r"|recall|express|write",
        r"=[^=\n]*=|converge|same (?:result|answer)|the key (?:steps?|was)|\bare there|is there|again\b|\bcheck\b|:\s*\n+\s*(?:\\\[\s*)?[-\d\\(a-z]{0,12}[\d)a-z}] ?[-+*/^]",
        computes=False,
    ),
    skills.SUBGOAL: _condition(
        r"need|find|want|goal|determin|calculat|compute|have to|figure|looking|must|solve|should|show|what|how|which"
        r"|let'?s|let me|check",
        r"=[^=]*=|≈|\n\W*\d[.)].*\n\W*\d[.)]|\bformula|theorem|double-check|verify",
        computes=False,
    ),
    skills.OTHER_METHOD: _condition(r"alternativ|another|different|other way|otherwise|instead|or maybe"),
    skills.FACT: _condition(r"remember|recall|know|fact|known|learned"),
    skills.RECALLING: _condition(
        r"formula|theorem|identit|\brules?\b|definition|defined|propert|\blaws?\b|lemma|equation|=.*[a-z]"
        r"|(?:area|volume|perimeter|circumference|slope) of [^.]*(?:\bis\b|equals)",
        r"(?:my|our|earlier) formula|formula [^.]{0,30}(?:wrong|work|correct|not)|= ?-?\d+\s*\Z",
    ),
    skills.APPLYING: _condition(
        r"formula|theorem|identit|\brules?\b|definition|propert|\blaws?\b|lemma|criteri",
        r"(?:could|might|maybe|should)\b[^.=]{0,60}\Z",
    ),
    skills.NAMING: _condition(
        r"\blet\b(?!'s)|denot|defin|\bcall|represents?\b|variable|assign|label|name|stands?\b|say\b"
    ),
    skills.EQUATION: _condition(
        r"equations?\b|=|inequalit|proportion|system of",
        r"both sides|solv|substitut|simplif|expand|approach|slope|graph|standard form|=[^=]*=[^=]*=|such that|for each",
    ),
    skills.PATTERN: _condition(r"patter|\brepeat(?:s|ing)\b|every \w+ terms?|period"),
    skills.CASES: _condition(
        r"\b(?:sub)?cases\b|(?<!this )(?<!our )(?<!that )(?<!any )(?<!each )\b(?:sub)?case\b|scenarios\b"
    ),
    skills.SUBSTITUTION: _condition(r"substitut|plug|replac|\binto\b|back in"),
    skills.COUNTING: _condition(
        r"\bways\b|choose (?:\d|which|from|any|two|three)|\d choose|count|how many|number of|combination|permut|arrang"
        r"|outcome|choice|options|subset|pairs|possibilit|total (?:of|number)|inclusion|union|pascal|stars and bars"
        r"|there (?:are|is) (?:\w+ )?(?:\d|one|two|three|four|five|six)\b"
    ),
    skills.PROBABILITY: _condition(
        r"probab|chance|likely|expected|random|\bp\(", r"is there (?:a|any) chance|problem (?:likely|probab)"
    ),
    skills.GEOMETRY: _condition(
        r"triang|circl|\bangles?\b|radi(?:us|i)\b|polygon|perpend|perimet|diamet|hypot|rectang|quadril|bisect|altitud"
        r"|pentag|hexag|tetra|sphere|cylinder|\bcone|prism|pyramid|inscri|circum|chord|isosc|equil|midpoint|\barea"
        r"|volume|length|height|congruent|parallel|verte?[xi]|cube|\bsides?\b|square|diagonal"
    ),
    skills.COORDINATES: _condition(
        r"coord|slope|axis|axes|parabol|ellip|hyperbol|intercept|origin|\bgraph|asymptot|\blines? (?:through|with|from|y\b)|distance (?:between|from)"
        r"|\( ?-?[\w./]+, ?-?[\w./]+ ?\)"
    ),
    skills.TRIGONOMETRY: _condition(
        r"(?:\b|\\)(?:sin|cos|tan|cot|csc)\b|\bsec ?[(\\θ]|sine|cosine|tangent of|trigo|radian"
    ),
    skills.DIVISIBILITY: _condition(
        r"divisib|divisor|divid|prime|\bmod|pmod|equiv|≡|remainder|gcd|lcm|factor(?!ial)|multiples?\b(?! ti| pl| wa)"
        r"|\bodd\b|\beven (?:number|product|and|or|if)|\b(?:is|are|be) even\b|parity|leap"
    ),
    skills.UNITS: _condition(r"conver|per (?:\w+)|units?\b"),
    skills.DIGITS: _condition(r"digit|\bbase\b|place|carry|palindrom|hexadec|binary|_\{?\d"),
    skills.FACTORING: _condition(
        r"factor(?:ed|ing|i[sz])|factor (?:out|it|the|this|\d)|prime factor", r"scal\w+ factor"
    ),
    skills.SIMPLIFYING: _condition(
        r"simplif|cancel|reduc|combin|rationali|distribut|expand|like terms",
        r"simplif\w+ (?:things|matters)|simply|equal to (?:zero|0)",
    ),
    skills.OPTIMIZATION: _condition(r"maxim|minim|largest|smallest|optim"),
    skills.COMPARING: _condition(
        r"compar|(?:great|larg|small|bigg|high|low|few|clos|long|short)er\b|less than|more than|[<>]|exceed",
        r"(?:larger|smaller|greater) (?:square|circle|triangle|rectangle|number)",
    ),
    skills.LOGARITHMS: _condition(r"log|\bln\b|exponent"),
    skills.POLYNOMIALS: _condition(
        r"polynom|coefficients? of|leading coeff|monic|degree (?:of|is)|expansion|leading term", r"degrees|°"
    ),
    skills.FUNCTIONS: _condition(r"function|domain|derivativ|integra|inverse|\b[fghp]\(|∘"),
    skills.SEQUENCES: _condition(
        r"(?:arithmetic|geometric|alternating|infinite|the|this|fibonacci) (?:sequence|series|progression)|(?:first|last|next|nth|n-th|common|\dth) (?:\w+ )?term"
        r"|sequence|progression",
        r"sequences? of (?:op|num|heads|draws|cards)|possible sequence",
    ),
    skills.VECTORS: _condition(r"vector|matri[xc]|determinant|eigen|dot product|cross product"),
    skills.COMPLEX: _condition(r"imaginar|complex|conjug|\di\b|i²|i\^"),
    skills.AVERAGES: _condition(r"averag|median|\b(?:harmonic|arithmetic|geometric|the) mean\b|\bmean of"),
    skills.FRACTIONS: _condition(
        r"\d ?/ ?\d|frac\{|fraction|percent|\d\\?%|denominator|numerator|decimal|ratio\b|half"
    ),
}
"""What a step must say or have to be called after a skill. Skills that are not here need no more than evidence."""

_OPERATION = re.compile(
    r"(?<=[\d)%!}$])[\s$]{0,3}(?:\\?[,;!] ?)?(?P<sign>[+*×·⋅∗÷/]|[-−–](?= |\(|\d+ ?[=≈])|\\times|\\cdot|\\div"
    r"|times|plus|minus|divided by|multiplied by|added to|and add)[\s$]{0,3}(?=[-(\\√$]{0,2}[\d(√\\])"
)
_POWER = re.compile(
    r"\d\)? ?(?:\^|[²³]|\*\*(?=\d))|√ ?\(?\d|sqrt[({\[]\d|\d (?:squared|cubed)|(?:square|cube) roots? of \d"
    r"|perfect (?:square|cube)|to the (?:\w+ )?power|exponents?\b"
)
_ABOUT_POWERS = re.compile(r"perfect (?:square|cube)|power|exponent|squared|cubed")
_FRACTION = re.compile(r"\d/\d|\\d?frac\{ ?-?\d+ ?\}\{ ?\d+ ?\}")
_BINOMIAL = re.compile(r"binom|\bc\(\w+, ?\w+\)|\d+ ?c ?\d|\d choose \d|\d\)?!|factorial")
_SIGNS: Mapping[str, Skill] = {
    **dict.fromkeys(("+", "plus", "added to", "and add"), skills.ADDITION),
    **dict.fromkeys(("-", "−", "–", "minus"), skills.SUBTRACTION),
    **dict.fromkeys(
        ("*", "×", "·", "⋅", "∗", "\\times", "\\cdot", "times", "multiplied by"), skills.MULTIPLICATION
    ),
    **dict.fromkeys(("/", "÷", "\\div", "divided by"), skills.DIVISION),
}
_OPERATIONS = frozenset(
    {*_SIGNS.values(), skills.POWERS, skills.FRACTIONS, skills.ARITHMETIC},
)
_OPERATION_WORDS: tuple[tuple[Skill, re.Pattern[str]], ...] = (
    (skills.MULTIPLICATION, re.compile(r"multipl|\btimes\b|product|doubl|tripl|twice")),
    (skills.DIVISION, re.compile(r"divid|division|quotient|goes into")),
    (skills.SUBTRACTION, re.compile(r"subtract|minus|difference|take away")),
    (skills.ADDITION, re.compile(r"\badd|\bsums?\b|plus|altogether")),
    (
        skills.FRACTIONS,
        re.compile(r"fraction|percent|decimal|denominator|numerator|ratio\b|\d%|simplif|reduce|=.*="),
    ),
)
_LETTER_TERM = re.compile(
    rf"{_UNKNOWN}_?\d?(?:\^\{{?\w|[²³])?[)\s]*[-+*/^]|[-+*/] ?\(?\d*{_UNKNOWN}|\d[a-z]\b"
)
_SOLVES = re.compile(r"\bsolv\w+[^.]{0,60}=|both sides|\broots?\b[^.]{0,20}= ?[(\[]|isolat")
_COUNTED = re.compile(
    r"\bways\b|number of|how many|total|outcome|choices|people|arrang|choose (?:which|from|two|three)"
)
_FACTORS = re.compile(r"factori[sz]|numbers that multiply|multiply to .* add")
_QUOTIENT = re.compile(r"\d/\d+ ?= ?\d+\b(?!/)")
_JUDGES = re.compile(r"\b(?:in)?valid\b|\bsame\b|allowed|\bpairs?\b")
_DIVIDES = re.compile(r"quotient|goes into|bring down|long division")
_MIXED = (skills.ARITHMETIC, skills.POWERS)
_CHOOSES = re.compile(r"\bways\b|\bchoose|choices|c\(\d|arrang")
_RESULT = re.compile(r"\d[^=≈\n]{0,60}(?:=|≈|\bis\b|equals|gives?|makes?|\bgets? me)[^=≈\n]{0,20}\d")

_ALGEBRA: tuple[tuple[Skill, re.Pattern[str]], ...] = (
    (skills.SETS, re.compile(r"∩|∪|∅|\bsubsets?\b|disjoint|\\cap\b|\\cup\b|inclusion-exclusion")),
    (skills.SQUARE, re.compile(r"complet\w* the square")),
    (skills.DIVISIBILITY, re.compile(r"\bmod\b|pmod|≡|equiv|\bmod\d")),
    (skills.SUBSTITUTION, re.compile(r"substitut|plug(?:ging|s)? |replac(?:e|ing)")),
    (skills.EXPANDING, re.compile(r"expand|distribut|\bfoil\b|multiply\w* out")),
    (skills.FACTORING, re.compile(r"factor(?:ed|ing|i[sz]\w+)\b|factor (?:out|it|the|this|\d)")),
    (
        skills.SOLVING,
        re.compile(
            r"both sides|isolat|\bsolv(?:e|ing)|cross[- ]?multipl|move|moving|rearrang|quadratic formula|discriminant"
            r"|each side|(?:divid|multipl)\w* (?:through|by -?\d)|(?:add|subtract)\w* (?:the|these|equation)|eliminat"
            r"|equations? (?:gives|yields)|squar\w+ all"
        ),
    ),
    (skills.SIMPLIFYING, re.compile(r"simplif|combin|cancel|reduc|like terms|common denominator")),
    (skills.COMPLEX, re.compile(r"imaginar|conjugat|complex number|\bi² ?=|i\^2 ?=|\d\s?i\b[^=]*\d\s?i\b")),
    (skills.VECTORS, re.compile(r"vector|matri[xc]|determinant|dot product")),
    (skills.TRIGONOMETRY, re.compile(r"(?:\b|\\)(?:sin|cos|tan)\b")),
    (skills.PROBABILITY, re.compile(r"probab")),
    (skills.FUNCTIONS, re.compile(r"\b[fgh]\( ?[^()]{1,14}\)+ ?=|\bfunction|derivative|integral|\\int")),
    (skills.LOGARITHMS, re.compile(r"\\?log|\\?\bln\b")),
    (skills.BINOMIALS, _BINOMIAL),
    (
        skills.SEQUENCES,
        re.compile(r"\bsequence|\bseries\b|\\sum|first term|common (?:difference|ratio)|a_\{?n"),
    ),
    (
        skills.GEOMETRY,
        re.compile(r"triangle|\bangle|radius|\barea\b|perimeter|hypotenuse|volume|perpendicular"),
    ),
    (skills.COORDINATES, re.compile(r"slope|coordinate|axis|parabola|vertex")),
)
"""What is done with an equation, by the first of these that the text names."""
_ORDER = re.compile(r"(?<![=-])[<>≤≥]|\\[lg]eq?\b")
_VALUE_LAST = re.compile(rf"{_UNKNOWN}(?:_\{{?\w+\}}?)? ?=[^=]{{0,12}}-?\d[\d.,/\s$\\)]*\Z")
_VARIABLE = re.compile(_UNKNOWN)
_ASSIGNMENT = re.compile(
    r"(?<![-+*/^=)])(?<![-+*/^=)] )\b[a-z]{1,2}(?:_?\{?\d\}?)? ?= ?(?:[-±]?[\d.,/]+|∅|\{[^}]*\}|\\emptyset)(?![\d ]*[-+*^·×(√/])"
)
_NUMBER_LAST = re.compile(r"[=≈] ?-?[($\\]*\d[\d.,]*(?:/\d+)?[)$\\%]*\s*(?:\Z|[\n.,;)⇒(])")
_STATES_VALUE = re.compile(
    r"both sides|each side|isolat|\bsolv|substitut|plug|simplif|expand|factor(?:ed|ing|i[sz])"
)
_OPERATES = re.compile(rf"{_UNKNOWN}\)? ?(?:[-+*/²^]|\\)[^=\n]{{0,40}}=|\d ?{_UNKNOWN}|[a-z] ?[-+*/] ?\d")
_ASSIGNS = re.compile(
    rf"{_UNKNOWN} ?= ?[^=,\n]{{1,25}},? (?:and )?(?:\\\( ?)?{_UNKNOWN} ?= ?[^=\n]{{1,25}}\Z"
)
_COMPUTED = re.compile(
    r"(?<![a-z_\d])\d+[)\s$]*(?:[-+*/×·⋅÷−^²³]|\\times|\\cdot)(?:[^=a-z\n]|\\[a-z]+){0,80}[=≈] ?[-(√$\\]*\d"
)
_FACTORED = re.compile(r"[a-z²³\d] ?[-+][^=()]*= ?\\?[( ]?-?\d*[a-z]?\([^=]*\)[\s.$\\)]*\Z")
_CONFIRMED = re.compile(
    r"formula (?:works|holds)|works for|\b(?:correct|good|perfect|works|right|matches|checks out|yes|yep)[.!\s]*\Z"
)
_SETS = re.compile(r"\bset(?:ting)?\b|equation|equal to|condition")
_BOTH_SIDES = re.compile(
    r"[a-z)\]] ?[-+*/^²][^=]*=[^=]*[a-z)\]\d] ?[-+*/^²]|(?:frac|\^)[^=]*=[^=]*(?:frac|\^)"
)
_CASE_LINES = re.compile(
    r"(?:\A|\n)(?:(?:next|now|starting|similarly|then|for|with|when|if)\b,? ?){0,3}\W*[a-z]\d? ?= ?-?\d+(?: ?\\\)|\$)? ?[:(⇒→]"
)
_WRITES_DOWN = re.compile(r"write down|writ(?:e|ing) out|\blist|so far|summar|table|tabulate")
_LISTED = re.compile(r"(?:\n\s*(?:[-*•|]|\d{1,2}[.)]|\([^)]+, ).*){3}|(?:[\d)}]+, ){4}|(?:\), ?\(.{1,12}){2}")
_TUPLES = re.compile(r"(?:-?\d+, (?:and )?){5}|(?:[({]\d+(?:, ?\d+)+[)}][^(){}]{0,40}){4}")
_ENUMERABLE = _OPERATIONS | {
    skills.METHOD,
    skills.SUBGOAL,
    skills.DIGITS,
    skills.CONCLUDING,
    skills.DIVISIBILITY,
}
_CONCLUDES = re.compile(
    rf"{_INTERJECTIONS}(?<=so)[, ]|{_INTERJECTIONS}(?:therefore|thus|hence|so|then|that means|this means|which means"
    r"|that gives|this gives|consequently|in conclusion)\b"
)
_AGREES = re.compile(
    r"same (?:answer|result|thing)|matches|consistent with|both (?:ways|methods|approaches)|another way"
    r"|\bsolid|makes sense|reasonable|checks out"
)
_WAYS = re.compile(r"\b(?:easier|use|using|calculat|comput|find|approach|try|think of|start|consider)")
_FAILS = re.compile(
    r"contradict|backwards|maybe i (?:had|mis|made)|mistake\b|wrong|incorrect|confus|doesn't (?:match|make|work)|discrepan|inconsisten"
)
_CHECKS = re.compile(r"check|verif|confirm|make sure|recount|sanity|correct\b|didn't")
_SOLVING_WORDS = re.compile(
    r"\bsolv(?:e|ing)\b|both sides|each side|isolat|discriminant|quadratic (?:formula|equation)|rearrang|cross-?mult"
    r"|equal to (?:zero|0)|equations? (?:from|together)"
)
_NAMES_VALUE = re.compile(r"\A[^-+*/^=]*\b[a-z]{1,2} ?=[^=]*\Z")
_NAMES_EQUATION = re.compile(r"equation|system|proportion|\bset\b|inequalit|express|write")
_GIVEN = re.compile(r"(?:is|are|was|'re|'s) given(?! by)|given (?:that|as|in)\b")
_DOUBTFUL = re.compile(
    r"\b(?:maybe|perhaps|possibly|might be|could be|may be|could it|what if|unless)\b|is there\b"
)
_FIGURE = re.compile(
    r"\b(?:label|draw)\(|asymptote (?:code|figure)|\basy\b|diagram|(?:the|this) (?:figure|drawing|picture)\b|\bcode\b"
)
_SHAPES = re.compile(
    r"triang|circl|\bangle|polygon|rectang|quadril|perpend|hypot|diagonal|sphere|cylinder|\bcone|prism|pyramid|cube\b"
    r"|hexag|pentag|square (?:is|has|with)|radius|perimet|\barea|volume|slope|\bline\b|\( ?-?[\w./]+, ?-?[\w./]+ ?\)"
)
_DERIVES = re.compile(r"\b(?:therefore|since|thus|hence|isosceles|so)\b[^?]*\b(?:is|are|equals?)\b|\bif\b")
_COUNTS = re.compile(
    r"number of (?!sides)|how many|\bways\b|choices|c\(\d|binom|combinations|\bcount(?:ing|ed)?\b|\d numbers"
)
_TRIES = re.compile(
    rf"\b(?:try|test|take|testing|trying)\w* (?:with )?(?:\S+ )?{_UNKNOWN} ?=|{_UNKNOWN} ?= ?-?\d+ ?:"
)
_SUPPOSES = re.compile(r"\b(?:suppos|assum|let's say|pretend|imagine)")
_CONDITIONAL = re.compile(
    r"\b(?:if|when|for)\b[^=<>]{0,40}[=<>≤≥]|\bif (?:it|we|i|the|n|x|a|b)\b[^.]*\bthen\b|\Aif\b"
)
_INFERS = re.compile(
    r"\b(?:because|since|therefore|thus|hence|so|must|means?|implies|can't|cannot|only|if|then|which is why|due to"
    r"|regardless|follows|always|either|unless|would)\b|⇒|→|\\implies"
)
_OBJECTS = re.compile(r"(?:hm+,? ?)?(?:wait,? (?:but|no)|but wait|no,? wait|but (?:earlier|hold on))\b")
_DISPLAYED = re.compile(rf"(?:\\\[|:)\s*\n*\s*[^=\n]{{0,30}}{_UNKNOWN}[^=\n]{{0,12}}[-+*/^][^=]*\Z")
_SHORT = 120  # characters
_OTHER_WAY = re.compile(
    r"alternativ|(?:better|easier|simpler|smarter) (?:way|approach|method|to)\b|(?:another|different|other) (?:way|approach|method|idea)"
)
_SATISFIED = re.compile(
    r"thorough|certain|confident|\bdone\b|makes? sense|straightforward|seems? (?:right|good|fine|plausible)|\bsolid|that's (?:it|all)\b"
    r"|got (?:it|this)\b|n't (?:think|see|find) [^.]*(?:error|mistake|issue|miss)|(?:comput|calculat|count)\w* [^.]{0,30}again"
)
_PROPOSES = re.compile(
    rf"{_INTERJECTIONS}(?:let me|let's|let us|i'll|we'll|i should|i can|we can|we could|i could)\b"
)
_AIMS = re.compile(r"\b(?:need|have|want) to\b")
_SUPPOSED = re.compile(rf"\b(?:let|take|consider|for|when|if|with|where|here|case)\b[^=]*{_UNKNOWN}_?\d? ?=")
_RESULT_LAST = re.compile(
    r"(?:\b(?:is|are|equals?|be|gives?|get)|that's|=|:|→) (?:\S+ )?[-$\\(]*\d\S*(?: \w+)?\W*\Z|=[^=]*\d\W*\Z"
)
_QUOTES = re.compile(
    r"(?:problem|question|statement|says|phrase|interpret\w*|definition|wording)\b[^.]*[\"“]\w"
)
_BEGINS = re.compile(
    r"problem|puzzle|riddle|question|given|\basks?\b|\bfind\b|need|want|figure|determine|solve|calculate|comput|convert|simplif"
)
_WORDS = re.compile(r"[a-z]{2,}")


def label(
    lower: str,
    scores: Mapping[Skill, float],
    shares: Mapping[Skill, int],
    asked: Set[str],
    before: Skill | None,
) -> Skill | None:
    """Return the skill that a step shows, or None if it says nothing (an interjection, another language).

    Args:
        lower: the step in lower case.
        scores: the evidence for each skill, of all its sentences.
        shares: how many characters the sentences have whose first skill is this one.
        asked: the words of the question.
        before: the skill of the step before; None for the first step.
    """
    text = _seen(lower[:_LONGEST])
    if before is skills.CHECKING and _CONFIRMED.search(text.lower):
        return skills.CHECKING
    if (
        before is None
        and not text.computes
        and (
            (len(scores) == 1 and skills.READING in scores)
            or _BEGINS.search(text.lower)
            or _restates(text, asked)
        )
    ):
        return skills.READING
    if _QUOTES.search(text.lower) and skills.CHECKING not in scores and skills.ANSWERING not in scores:
        return skills.READING
    least = _SHARE * max(sum(shares.values()), 1)
    for skill in sorted(scores, key=scores.__getitem__, reverse=True):
        if skill in _ACTS and shares.get(skill, 0) < least:
            continue
        if shown := _shown(skill, text, asked):
            return shown
    return _form(text) if scores or len(_WORDS.findall(text.lower)) >= _FEW_WORDS else None


_FEW_WORDS = 4


def _seen(lower: str) -> _Text:
    lower = lower.strip()
    return _Text(
        lower,
        lower.count("=") + lower.count("≈"),
        bool(_OPERATION.search(lower) and ("=" in lower or "≈" in lower or _RESULT.search(lower))),
    )


def _shown(skill: Skill, text: _Text, asked: Set[str]) -> Skill | None:
    """Return the skill, or a nearer one, that a text shows of a proposed one; None if it shows neither."""
    refined = _REFINED.get(skill)
    if refined:
        return refined(text)
    if skill in _ENUMERABLE and _TUPLES.search(text.lower):
        return skills.LISTING
    if skill in _OPERATIONS:
        return _operation(text)
    condition = _CONDITIONS.get(skill)
    if condition is None:
        return skill
    if condition.needs.search(text.lower) and not (
        (text.computes and not condition.computes)
        or (condition.refuses and condition.refuses.search(text.lower))
    ):
        if (
            skill in _WORKS
            and not text.equals
            and _TALKS.search(text.lower)
            and not _LEAVES.search(text.lower)
        ):
            return skills.QUESTION if text.lower.endswith("?") else skills.METHOD
        return skill
    return skill if skill is skills.READING and _restates(text, asked) else None


def _restates(text: _Text, asked: Set[str]) -> bool:
    """Whether most words are the question's."""
    used = words(text.lower)
    return (
        len(used) >= _FEW_WORDS
        and text.equals < _SOME_EQUATIONS
        and len(used & asked) >= _RESTATED * len(used)
    )


def _operation(text: _Text) -> Skill | None:
    """Return the operation on numbers that most signs of a text stand for; arithmetic for a mixture."""
    found: dict[Skill, int] = {}
    lower = text.lower
    if _DIVIDES.search(lower):
        return skills.DIVISION
    if _FACTORS.search(lower):
        return skills.FACTORING
    for match in _OPERATION.finditer(lower):
        skill = _SIGNS[match["sign"]]
        if skill is skills.DIVISION and match["sign"] == "/" and " / " not in match[0]:
            continue  # a fraction is an operand
        found[skill] = found.get(skill, 0) + 1
    powers = len(_POWER.findall(lower))
    if powers and (_RESULT.search(lower) or _ABOUT_POWERS.search(lower)):
        found[skills.POWERS] = powers
    if not found:
        if not _RESULT.search(lower) and not _FRACTION.search(lower):
            return None
        if _QUOTIENT.search(lower):
            return skills.DIVISION
        return next((skill for skill, pattern in _OPERATION_WORDS if pattern.search(lower)), None)
    if _VARIABLE.search(lower):
        if _SOLVES.search(lower):
            return skills.SOLVING
        if len(_LETTER_TERM.findall(lower)) > sum(found.values()):
            return _algebra(text)
    if not text.computes and _JUDGES.search(lower):
        return None
    best = max(found, key=found.__getitem__)
    if found[best] >= _DOMINANT * sum(found.values()):
        best = skills.FRACTIONS if len(_FRACTION.findall(lower)) > found[best] else best
    else:
        best = skills.ARITHMETIC
    if best in _MIXED and _CHOOSES.search(lower):
        return skills.COUNTING
    return skills.BINOMIALS if len(_BINOMIAL.findall(lower)) >= _SOME_BINOMIALS else best


def _algebra(text: _Text) -> Skill | None:
    """Return what is done with formulas with letters."""
    lower = text.lower
    ordered = len(_ORDER.findall(lower))
    related = bool(ordered) or "=" in _ASSIGNMENT.sub("", lower)
    if not related and not _STATES_VALUE.search(lower):
        return None
    if _CASE_LINES.search(lower):
        return skills.LISTING if _WRITES_DOWN.search(lower) else skills.CASES
    for skill, pattern in _ALGEBRA:
        if pattern.search(lower):
            return skill
    if ordered and ordered >= text.equals:
        return skills.INEQUALITIES
    if _ASSIGNS.search(lower):
        return skills.VALUE
    if text.computes and _NUMBER_LAST.search(lower) and _COMPUTED.search(lower):
        return skills.EVALUATING if _VARIABLE.search(lower) else _operation(text)
    if not related:
        return None
    if _CONFIRMED.search(lower):
        return skills.CHECKING
    if _FACTORED.search(lower):
        return skills.FACTORING
    if text.equals >= _SOME_EQUATIONS:
        return skills.SOLVING if _VALUE_LAST.search(lower) and _OPERATES.search(lower) else skills.ALGEBRA
    if _SETS.search(lower):
        return skills.EQUATION
    if _BOTH_SIDES.search(lower):
        return skills.ALGEBRA
    return skills.CONCLUDING if _CONCLUDES.match(lower) else skills.RELATION


def _counting(text: _Text) -> Skill | None:
    """Return counting where something is counted; else what is done with the numbers of ways."""
    if _AGREES.search(text.lower):
        return skills.CHECKING
    if text.computes and _BINOMIAL.search(text.lower) and not _COUNTED.search(text.lower):
        return skills.BINOMIALS
    if _CONDITIONS[skills.COUNTING].needs.search(text.lower):
        return skills.COUNTING
    return skills.BINOMIALS if _BINOMIAL.search(text.lower) else None


def _space(skill: Skill) -> Callable[[_Text], Skill | None]:
    """Return what tells a skill of geometry from the reading of a drawing and from counting figures."""

    def shown(text: _Text) -> Skill | None:
        lower = text.lower
        if text.computes and not _SHAPES.search(lower):
            return _operation(text)
        if _FIGURE.search(lower) and not _DERIVES.search(lower):
            return skills.FIGURE
        if _COUNTS.search(lower):
            return _counting(text)
        return skill if _CONDITIONS[skill].needs.search(lower) else None

    return shown


def _digits(text: _Text) -> Skill | None:
    if _COUNTS.search(text.lower):
        return skills.COUNTING
    return skills.DIGITS if _CONDITIONS[skills.DIGITS].needs.search(text.lower) else None


def _cases(text: _Text) -> Skill | None:
    """Return cases, a trial or an assumption; None if a text only computes."""
    lower = text.lower
    if _CONDITIONS[skills.CASES].needs.search(lower):
        return skills.CASES
    if _TRIES.search(lower):
        return skills.TRYING
    if _SUPPOSES.search(lower):
        return skills.ASSUMING
    return skills.CASES if _CONDITIONAL.search(lower) else None


def _conclusion(text: _Text) -> Skill | None:
    """Return a conclusion, if a text has words of one and does not compute."""
    lower = text.lower
    if text.computes or not _CONCLUDES.match(lower):
        return None
    if _AGREES.search(lower):
        return skills.CHECKING
    if _DOUBTFUL.search(lower):
        return skills.METHOD if _WAYS.search(lower) else skills.POSSIBILITY
    return skills.CONCLUDING


def _checking(text: _Text) -> Skill | None:
    """Return a check; reconsidering where only its failure is said."""
    lower = text.lower
    if _FAILS.search(lower) and not _CHECKS.search(lower):
        return skills.RECONSIDERING
    return skills.CHECKING if _CONDITIONS[skills.CHECKING].needs.search(lower) else None


def _solution(text: _Text) -> Skill | None:
    """Return the solving of an equation, or what else is done with its terms or numbers."""
    lower = text.lower
    if _SOLVING_WORDS.search(lower):
        return skills.METHOD if not text.equals and _TALKS.search(lower) else skills.SOLVING
    return _algebra(text) if _LETTER_TERM.search(lower) else _operation(text) if text.computes else None


def _equation(text: _Text) -> Skill | None:
    """Return the setting up of an equation; what else is done with one, if something is."""
    lower = text.lower
    condition = _CONDITIONS[skills.EQUATION]
    if not condition.needs.search(lower) or (condition.refuses and condition.refuses.search(lower)):
        return None
    if _FACTORED.search(lower):
        return skills.FACTORING
    if _NAMES_EQUATION.search(lower):
        return skills.METHOD if not text.equals and _TALKS.search(lower) else skills.EQUATION
    if "=" not in _ASSIGNMENT.sub("", lower):
        return None
    return skills.CONCLUDING if _CONCLUDES.match(lower) and _NAMES_VALUE.search(lower) else skills.EQUATION


def _fact(text: _Text) -> Skill | None:
    """Return a fact that is recalled, or read if it is given."""
    if _GIVEN.search(text.lower):
        return skills.READING
    return skills.FACT if _CONDITIONS[skills.FACT].needs.search(text.lower) else None


_REFINED: Mapping[Skill, Callable[[_Text], Skill | None]] = {
    skills.ALGEBRA: _algebra,
    skills.INEQUALITIES: _algebra,
    skills.COUNTING: _counting,
    skills.GEOMETRY: _space(skills.GEOMETRY),
    skills.COORDINATES: _space(skills.COORDINATES),
    skills.DIGITS: _digits,
    skills.CASES: _cases,
    skills.EQUATION: _equation,
    skills.SOLVING: _solution,
    skills.CONCLUDING: _conclusion,
    skills.CHECKING: _checking,
    skills.FACT: _fact,
}


def _form(text: _Text) -> Skill:
    """Return what the form of a text says that it does."""
    lower = text.lower
    if text.computes and (operation := _operation(text)):
        return operation
    if not text.equals and _DISPLAYED.search(lower):
        return skills.REWRITING
    if _OTHER_WAY.search(lower):
        return skills.OTHER_METHOD
    if _FIGURE.search(lower):
        return skills.FIGURE
    doubt = _CONDITIONS[skills.RECONSIDERING]
    if (
        len(lower) < _SHORT
        and doubt.needs.search(lower)
        and not (doubt.refuses and doubt.refuses.search(lower))
    ):
        return skills.RECONSIDERING
    if _DOUBTFUL.search(lower):
        return skills.POSSIBILITY
    if lower.endswith("?"):
        return skills.QUESTION
    if _LISTED.search(lower):
        return skills.LISTING
    if _CONCLUDES.match(lower):
        return skills.CONCLUDING
    if _SATISFIED.search(lower):
        return skills.CHECKING
    if _PROPOSES.match(lower):
        return skills.METHOD
    if _AIMS.search(lower):
        return skills.SUBGOAL
    if _INFERS.search(lower):
        return skills.INFERENCE
    if _OBJECTS.match(lower):
        return skills.RECONSIDERING
    if _CASE_LINES.search(lower):
        return skills.CASES
    if _SUPPOSED.search(lower):
        return skills.VALUE
    if _RESULT_LAST.search(lower):
        return skills.RESULT
    return skills.RELATION if text.equals else skills.SITUATION
