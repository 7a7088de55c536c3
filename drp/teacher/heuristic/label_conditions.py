"""What the text of a step must show to be called after a skill."""

import re
from collections.abc import Mapping, Sequence, Set
from functools import cached_property
from typing import NamedTuple

from drp.traces import Skill, skills, words

_DIGIT = re.compile(r"\d")
_LONGEST = 1000  # characters of a step that are looked at
_MOST_SENTENCES = 20


class StepText:
    """The beginning of a step's text in lower case, and what it shows at a glance.

    Attributes:
        lower: the text.
        sentences: its sentences.
        equals: how many signs of equality it has.
    """

    def __init__(self, lower: str, sentences: Sequence[str]) -> None:
        self.lower = lower[:_LONGEST].strip()
        self.sentences = sentences[:_MOST_SENTENCES]
        self.equals = self.lower.count("=") + self.lower.count("≈")

    @cached_property
    def words(self) -> Set[str]:
        """Its content words."""
        return words(self.lower)

    @cached_property
    def computes(self) -> bool:
        """Whether an operation on numbers has a result."""
        return (
            _DIGIT.search(self.lower) is not None
            and any(map(self.lower.__contains__, SIGNS))
            and bool(OPERATION.search(self.lower))
            and (self.equals > 0 or bool(RESULT.search(self.lower)))
        )


class Condition(NamedTuple):
    """What a text must have, and must not have, to show a skill."""

    needs: re.Pattern[str]
    refuses: re.Pattern[str] | None = None
    computes: bool = True
    """Whether a text that computes may show it."""

    def met(self, lower: str) -> bool:
        """Whether a text has what it must, and nothing that it must not."""
        return self.needs.search(lower) is not None and not (self.refuses and self.refuses.search(lower))


def _condition(needs: str, refuses: str = "", *, computes: bool = True) -> Condition:
    return Condition(re.compile(needs), re.compile(refuses) if refuses else None, computes)


UNKNOWN = r"(?<![a-z\\'’])(?:[b-hj-rt-z]|(?<!\d)s|a(?= ?[=+*^²<>]|_|\d))(?![a-z'’])"
OPERATION = re.compile(
    r"(?<=[\d)%!}$²³])[\s$]{0,3}(?:\\?[,;!] ?)?(?P<sign>[+*×·⋅∗÷/]|[-−–](?= |\(|\d+ ?[=≈])|\\times|\\cdot"
    r"|\\div"
    r"|times|plus|minus|divided by|multiplied by|added to"
    r"|and add)[\s$]{0,3}(?=[-(\\√$]{0,2}[\d(√\\])(?!\(?\s*(?!sqrt)[a-z]|\\(?:math|vec|text|bold|bar|over"
    r"|hat))"
)
SIGNS: Mapping[str, Skill] = {
    **dict.fromkeys(("+", "plus", "added to", "and add"), skills.ADDITION),
    **dict.fromkeys(("-", "−", "–", "minus"), skills.SUBTRACTION),
    **dict.fromkeys(
        ("*", "×", "·", "⋅", "∗", "\\times", "\\cdot", "times", "multiplied by"), skills.MULTIPLICATION
    ),
    **dict.fromkeys(("/", "÷", "\\div", "divided by"), skills.DIVISION),
}
"""The signs that OPERATION matches, with what they do. A search for one of them is cheaper than a match."""
RESULT = re.compile(r"\d[^=≈\n]{0,60}(?:=|≈|\bis\b|equals|gives?|makes?|\bgets? me)[^=≈\n]{0,20}\d")
INTERJECTIONS = (
    r"[*#_\s]*(?:(?:okay|ok|so|now|then|alright|and|but|hm+|oh|well|wait|yes|yeah|no|actually|hold on"
    r"|first|next|finally|also"
    r"|let me see|let's see)\b[\s,.!…-]{0,4}){0,5}"
)
ACTS: frozenset[Skill] = frozenset(
    {
        *(skills.METHOD, skills.SUBGOAL, skills.OTHER_METHOD, skills.FACT, skills.NAMING, skills.CASES),
        *(skills.RECONSIDERING, skills.CONCLUDING, skills.READING, skills.RECALLING, skills.PATTERN),
        *(skills.APPLYING, skills.SUBSTITUTION, skills.EQUATION, skills.QUANTITY, skills.CHECKING),
    }
)
"""What a sentence does: a step is called after it if most of its sentences do it."""
WORKS: frozenset[Skill] = frozenset(
    {
        *(
            skills.FACTORING,
            skills.SIMPLIFYING,
            skills.SUBSTITUTION,
            skills.APPLYING,
        ),
        *(skills.COMPARING, skills.UNITS, skills.NAMING, skills.PATTERN),
    }
)
"""What is only talked about in a sentence that could or should do it."""
TALKS = re.compile(
    r"\b(?:could|might|maybe|perhaps|can(?! be)|should|try|would(?! be)|need to|have to|want to|going to"
    r"|if (?:we|i))\b"
)
LEAVES = re.compile(r"\b(?:leaves|leaving|gives|becomes|which is|so it's|i get|we get)\b")
CONDITIONS: Mapping[Skill, Condition] = {
    skills.ANSWERING: _condition(r"answer|boxed|final|solution", r"to (?:get|find) the (?:final )?answer"),
    skills.RECAPPING: _condition(r"recap|summar|putting|all together|overall"),
    skills.CHECKING: _condition(
        r"check|verif|confirm|(?:be|just|make|make \S+|\w+ly) sure|sanity|correct|right\b(?! ?-?(?:hand"
        r"|neighb|side|angle|tri|end|of\b|isos))|consistent|match"
        r"|same (?:result|answer|thing|value|number)|same as (?:before|earlier|above|what)|makes? sense"
        r"|works?\b|indeed|valid"
        r"|confident|agree|\byes\b|yep|yeah|reasonable|satisf|holds|line up|fits|adds? up|to be safe"
        r"|(?:just|only) to ensure"
        r"|\bno (?:mistakes?|errors?)|(?:good|great|perfect|fine)[.!,]|n't (?:make|see|find"
        r"|think) [^.]*(?:mistake|error|issue)"
        r"|\A(?:(?:but|oh|so|hm+|okay),? )*(?:wait|actually)\b.*\d.*(?:=|\bis\b).*\d",
        r"break (?:this|it) down|need to (?:make sure|ensure|check)(?: that| if)? "
        r"(?!i\b|we\b|my|our|it|this|these|everything|all|the (?:answer|result)|that\b)"
        r"|\A(?:so|therefore|thus)[^.]*(?:approach|method)\b[^.]*\b(?:incorrect|wrong)",
    ),
    skills.RECONSIDERING: _condition(
        r"wrong|mis(?:take|read|calc|count|understood|interp|remember)|error|incorrect"
        r"|n't (?:\w+ )?(?:match|right|"
        r"correct|make|work|add|fit|seem|true|consistent|be (?:right|correct|true)|help|hold|satisfy"
        r"|equal|possible|possibl)"
        r"|\bnot (?:\w+ )?(?:right|correct|true|possible|consistent|match|valid|equal|an integer|what|how"
        r"|the case"
        r"|sure|helpful|clear|useful)|contradict|conflict|discrepan|confus|think again|think differently"
        r"|reconsider"
        r"|rethink|getting complicat|overcomplicat|seems? (?:a bit |kind of )?(?:too|odd|strange|weird"
        r"|off|high|low|like a lot|a lot|small|large|big)"
        r"|\A.{0,30}hold on.{0,30}\Z|wait,? (?:no|is th|actually"
        r"|earlier|but earlier)\b|\bno,? wait|\A(?:but wait|wait,? but).{0,60}\Z|but wait, but"
        r"|(?:but wait|wait,? but)[^.]*\?|\A(?:hm+, )?no\b(?=[,.])|\bbut (?:earlier|actually|in fact"
        r"|hold)|forgot"
        r"|\A(?:hm+,? )?but [^.]*(?:it|that) should be|still missing|missed|overlook|stuck|\bi thought\b"
        r"|that can't|which can't|impossible|which (?:one )?is correct\?",
        r"(?:better|easier|simpler|smarter) (?:way|approach|method|to)\b|problem (?:statement|says"
        r"|states)|avoid|n't (?:think|see|find) [^.]*(?:error|mistake|issue|miss)"
        r"|(?:comput|calculat|count)\w* [^.]{0,30}again|reasonable|to (?:catch|avoid)|\bno (?:mistakes?"
        r"|errors?)",
    ),
    skills.READING: _condition(
        r"\b(?:the|this|original|math|word) (?:\w+ )?(?:problem|question|puzzle)\b"
        r"(?! (?:reduces|becomes|is that|of (?:dist|count|find)))"
        r"|(?:is|are|was|'re|'s) given\b|given (?:that|as|in)\b|asked|asks|asking|\bsays\b|states|told",
        r"\b(?:might|may|likely|probably|perhaps|maybe)\b|\bso,? (?:to|we)\b",
    ),
    skills.QUANTITY: _condition(
        r"\d|given", r"\btherefore\b|let me|let's|\bcall\b|\bso,? (?:the|there)", computes=False
    ),
    skills.METHOD: _condition(
        r"\buse|using|approach|method|\btry|start|begin|break|strateg|plan\b|think|visuali|imagine|figure"
        r"|consider"
        r"|step|way\b|look at|work|draw|list|idea|going to|should|could|can\b|might|let'?s|need|focus"
        r"|set up|find"
        r"|recall|express|write",
        r"=[^=\n]*=|converge|same (?:result|answer)|(?:first|second|other) method|went wrong"
        r"|the key (?:steps?|was)|\bare there|is there|again\b"
        r"|coincidence|careful|according to|(?:i|we) (?:recall|remember)|another thought|n't think"
        r"|(?:\n\s*[-*•(]?\s*\d[^\n]*){3}|(?:perhaps|maybe) i'm (?:over|mis|not)|which (?:one )?is correct\?"
        r"|[-+*/^][^=\n]{0,40}=[^=\n]{1,40}\Z|=[^=\n]{0,40}[+*/^][^=\n]{0,40}\Z"
        r"|\bcheck\b|:\s*\n+\s*(?:\\\[\s*)?[-\d\\(a-z]{0,12}[\d)a-z}] ?[-+*/^]",
        computes=False,
    ),
    skills.SUBGOAL: _condition(
        r"\b(?:i|we)(?:'d|'ll| would| now| also| just| still| only)* (?:need|want|have to|must|should)\b"
        r"|find|goal|determin|calculat|compute|figure|looking|solve|show|what|how|which|let'?s|let me|check",
        r"=[^=]*=|≈|\n\W*\d[.)].*\n\W*\d[.)]|\bformula|theorem|double-check|verify"
        r"|which (?:one )?is (?:correct|right)\?|is (?:that|this) (?:correct|right)|discrepan|wrong"
        r"|no matter|n't (?:think )?(?:i |we )?need|\A\W*the (?:catch|condition|key)",
        computes=False,
    ),
    skills.OTHER_METHOD: _condition(r"alternativ|another|different|other way|otherwise|instead|or maybe"),
    skills.FACT: _condition(r"remember|recall|know|fact\b|known|learned", r"now,? (?:i|we) know|don't know"),
    skills.RECALLING: _condition(
        r"formula|theorem|identit|\brules?\b|definition|defined|propert|\blaws?\b|lemma|equation|=.*[a-z]"
        r"|(?:area|volume|perimeter|circumference|slope) of [^.]*(?:\bis\b|equals)",
        r"(?:my|our|earlier) formula|perhaps the problem|\bwhy\b|different (?:answer|result)|mixing"
        r"|formula [^.]{0,30}(?:wrong|work|correct|not)"
        r"|= ?-?\d+\s*\Z",
    ),
    skills.APPLYING: _condition(
        r"formula|theorem|identit|\brules?\b|definition|propert|\blaws?\b|lemma|criteri",
        r"(?:could|might|maybe|should)\b[^.=]{0,60}\Z",
    ),
    skills.NAMING: _condition(
        r"\blet\b(?!'s| me| us)|denot|\bdefin(?:e|ing)\b|\bcall (?:it|this|that|the|them|these|our)"
        r"|represents?\b"
        r"|(?:assign|label|name) (?:the|each|an?|it|these|numbers)|stands? for|let'?s (?:say|call)"
        r"|\bsay,? |set \w ="
    ),
    skills.EQUATION: _condition(
        r"equations?\b|=|inequalit|proportion|system of",
        r"both sides|solv|substitut|simplif|expand|approach|slope|graph|standard form|=[^=]*=[^=]*="
        r"|such that|for each",
    ),
    skills.PATTERN: _condition(r"patter|\brepeat(?:s|ing)\b|every \w+ terms?|period"),
    skills.CASES: _condition(
        r"\b(?:sub)?cases\b|(?<!this )(?<!our )(?<!that )(?<!any )(?<!each )\b(?:sub)?case\b(?! of)"
        r"|scenarios\b"
    ),
    skills.SUBSTITUTION: _condition(
        r"substitut(?:e|es|ed|ing)\b|plug|replac|\binto\b"
        r"|back in",
        r"incorrect|mistake|flawed",
    ),
    skills.COUNTING: _condition(
        r"\bways\b|choose (?:\d|which|from|any|two|three)|\d choose|count|how many|number of|combinations\b"
        r"|permut|arrang"
        r"|outcome|choice|options|subset|pairs|possibilit|total (?:of|number)|inclusion|union|pascal"
        r"|stars and bars"
        r"|there (?:are|is) (?:\w+ )?(?:\d|one|two|three|four|five|six)\b"
    ),
    skills.PROBABILITY: _condition(
        r"probab|chance|likely|expected|random|\bp\(", r"is there (?:a|any) chance|problem (?:likely|probab)"
    ),
    skills.GEOMETRY: _condition(
        r"triang|circl|\bangles?\b|radi(?:us|i)\b|polygon|perpend|perimet|diamet|hypot|rectang|quadril"
        r"|bisect|altitud"
        r"|pentag|hexag|tetra|sphere|cylinder|\bcone|prism|pyramid|inscri|circum|chord|isosc|equil"
        r"|midpoint|\barea"
        r"|volume|congruent|parallel|verte?[xi]|\bcubes?\b(?! root)"
        r"|(?<!left )(?<!right )(?<!hand )(?<!both )(?<!other )\bsides?\b|\bsquare\b(?! root)|diagonal",
        r"\bseat|knight|\bpeople|handshake|round table|-cycle",
    ),
    skills.COORDINATES: _condition(
        r"coord|slope|axis|axes|parabol|ellip|hyperbol|intercept|origin|\bgraph|asymptot"
        r"|\blines? (?:through|with|from|y\b)|distance (?:between|from)"
        r"|\( ?-?[\w./]+, ?-?[\w./]+ ?\)"
    ),
    skills.TRIGONOMETRY: _condition(
        r"(?:\b|\\)(?:sin|cos|tan|cot|csc)\b|\bsec ?[(\\θ]|sine|cosine|tangent of|trigo|radian",
        r"e\^[{(]i",
    ),
    skills.DIVISIBILITY: _condition(
        r"divisib|divisor|divid|prime|\bmod|pmod|\\equiv|≡|remainder|gcd|lcm|factor(?!ial)"
        r"|multiples\b|multiple of \d"
        r"|\bodd\b|\beven (?:number|product|and|or|if)|\b(?:is|are|be) even\b|parity|leap",
        r"e\^[{(]i|\bdice\b|\bdie\b|probab|binary",
    ),
    skills.UNITS: _condition(
        r"(?:conver|units?\b)[^.]*\b(?:[ckm]?m|feet|foot|inch|mile|hour|minute|second|gram|kg|liter|cent)"
    ),
    skills.DIGITS: _condition(
        r"digit|\bbase[ -]\d|(?:decimal|tens|ones|units|hundreds|thousands) place"
        r"|place value|carry|palindrom|hexadec|binary|_\{?\d"
    ),
    skills.FACTORING: _condition(
        r"factor(?:ed|ing|i[sz])|factors? (?:into|as\b)|factor (?:out|it|the|this|\d)"
        r"|prime factor",
        r"scal\w+ factor",
    ),
    skills.SIMPLIFYING: _condition(
        r"simplif|cancel|rationali|like terms|reduc(?:e|es|ing) (?:the|this|it|to|by|further)|common factor"
        r"|combin(?:e|ing) (?:the|like|these|terms|constants|all)|distribut(?:e|es|ing)\b",
        r"simplif\w+ (?:things|matters|nicely|as|the (?:problem|calculation|process))|simply"
        r"|equal to (?:zero|0)",
    ),
    skills.OPTIMIZATION: _condition(
        r"maximi[sz]|minimi[sz]|optim|(?:maximum|minimum|largest|smallest|greatest|least) (?:possible|value)"
    ),
    skills.COMPARING: _condition(
        r"compar(?:e|es|ing)\b|\b(?:is|are|be) (?:\S+ )?(?:greater|larger|smaller|less|bigger|more) than"
        r"|closer to"
        r"|\d ?[<>] ?-?\d",
        r"integer|digit",
    ),
    skills.POLYNOMIALS: _condition(
        r"polynom|coefficients? of|leading coeff|monic|degree (?:of|is)|expansion|leading term", r"degrees|°"
    ),
    skills.FUNCTIONS: _condition(r"function|domain|derivativ|integra|inverse|\bf\(|\b[ghp]\([^(),]*\)|∘"),
    skills.SEQUENCES: _condition(
        r"sequence|progression|\bseries\b|(?:nth|n-th) term|common (?:ratio|difference)|recursive|recurrence",
        r"sequences? of (?:op|num|heads|draws|cards)|possible sequence",
    ),
    skills.VECTORS: _condition(
        r"\\(?:mathbf|vec)\b|vector|matri[xc]|determinant|eigen|dot product"
        r"|cross product"
    ),
    skills.COMPLEX: _condition(r"imaginar|complex (?:number|plane|conj|root)|\di\b|\bi ?[+*/=-] ?\d|i²|i\^"),
    skills.AVERAGES: _condition(r"averag|median|\b(?:harmonic|arithmetic|geometric|the) mean\b|\bmean of"),
}
"""What a step must have to be called after a skill. Skills that are not here need no more than evidence."""

_FIGURE = re.compile(
    r"\b(?:label|draw)\(|asymptote (?:code|figure)|\basy\b|diagram|(?:the|this) (?:figure|drawing"
    r"|picture)\b|\bcode\b"
)
SHAPES = re.compile(
    r"triang|circl|\bangle|polygon|rectang|quadril|perpend|hypot|diagonal|sphere|cylinder|\bcone|prism"
    r"|pyramid|cube\b"
    r"|hexag|pentag|square (?:is|has|with)|radius|perimet|\barea|volume|slope|\bline\b"
    r"|\( ?-?[\w./]+, ?-?[\w./]+ ?\)"
)
DERIVES = re.compile(r"\b(?:therefore|since|thus|hence|isosceles|so)\b[^?]*\b(?:is|are|equals?)\b|\bif\b")
COUNTS = re.compile(
    r"number of (?!sides)|how many|\bways\b|choices|c\(\d|binom|combinations|\bcount(?:ing|ed)?\b|\d numbers"
)
_FIGURE_WORDS = ("label(", "draw(", "asy", "diagram", "figure", "drawing", "picture", "code")
"""Each match of _FIGURE has one of these; a search for them is cheaper."""


def reads_figure(lower: str) -> bool:
    """Whether a text is about a drawing."""
    return any(map(lower.__contains__, _FIGURE_WORDS)) and _FIGURE.search(lower) is not None
