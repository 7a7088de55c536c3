"""A text as statements: its units, with what the checks look up in them."""

import re
from collections.abc import Sequence
from functools import lru_cache

from drp.derivation.number_roles import SpelledNumber, numbers, quantities
from drp.derivation.sentence_templates import Wording, wording
from drp.traces import Unit, units

_OPENERS = re.compile(  # words that a shortened sentence may lose at its beginning
    r"(?:(?:okay|ok|alright|all right|hm+|well|so|now|wait|oh|ah|right|yeah|yes|great|perfect"
    r"|cool|but|and"
    r"|then|hold on|actually|first|next|finally|therefore|thus|hence|also|again|which means|that means"
    r"|this means|that|let me see|let's see)\b[,.! :;—–…-]{0,4}){1,8}"
)
_BULLET = re.compile(r"\s*(?:[-*•#>]+\s+|\(?\d{1,2}[.)]\s+)")
SYMBOL = re.compile(r"(?<![a-zA-Z'’\\°])[a-zA-Zα-ωΔΓΘΛΣΦΨΩ](?![a-zA-Z'’(])")
_EDGES = " .,:;!*#-\t\n"


class Statement:
    """A unit of a text. `key` is its wording without what a teacher strips: openers, bullets, end marks."""

    __slots__ = ("_numbers", "_quantities", "_symbols", "_wordings", "index", "key", "unit")

    def __init__(self, index: int, unit: Unit) -> None:
        self.index, self.unit = index, unit
        self.key = key_of(unit.lower)
        self._numbers: Sequence[str] | None = None
        self._quantities: Sequence[SpelledNumber] | None = None
        self._symbols: frozenset[str] | None = None
        self._wordings: Sequence[Wording] = ()

    @property
    def symbols(self) -> frozenset[str]:
        """The single letters that it uses as symbols; a letter before a bracket is the name of a function."""
        if self._symbols is None:
            self._symbols = frozenset(SYMBOL.findall(self.unit.plain))
        return self._symbols

    @property
    def numbers(self) -> Sequence[str]:
        """The texts of its numbers, in order: `quantities` without their roles, which cost more to tell."""
        if self._numbers is None:
            self._numbers = numbers(self.unit.plain)
        return self._numbers

    @property
    def wordings(self) -> Sequence[Wording]:
        """The wording of `key`; if it has an equation, also as a sentence that gives the result alone."""
        if not self._wordings:
            own = wording(self.key)
            self._wordings = (own, wording(self.key, results_only=True)) if "=" in self.key else (own,)
        return self._wordings

    @property
    def quantities(self) -> Sequence[SpelledNumber]:
        """Its numbers with their roles."""
        if self._quantities is None:
            self._quantities = tuple(quantities(self.unit.plain))
        return self._quantities


def key_of(lower: str) -> str:
    """Return the wording of a unit without openers, bullets and marks at its ends."""
    bullet = None if lower[:1].isalpha() else _BULLET.match(lower)
    start = bullet.end() if bullet else 0
    opener = _OPENERS.match(lower, start)
    rest = lower[opener.end() if opener else start :].strip(_EDGES)
    return rest or lower.strip(_EDGES)


@lru_cache(maxsize=8)  # an original and a summary are read by every check, and again for a repair
def statements(text: str) -> Sequence[Statement]:
    """Return the statements of a text, in order."""
    return tuple(Statement(index, unit) for index, unit in enumerate(units(text)))
