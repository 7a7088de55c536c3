"""The original of a revision (or the student's summary): where it says what."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

from drp.derivation.statements import SYMBOL, Statement, statements

_DEFINED = re.compile(r"\b(?i:let(?:'s)?|denote|define|call|suppose|assume|set|say)\b([^.;:]{1,80})")
_DEFINING = ("let", "denote", "define", "call", "suppose", "assume", "set", "say")
"""Each match of _DEFINED has one of these words; a search for them is cheaper."""


class StatementIndex:
    """Statements of an original, looked up by wording, by value and by symbol."""

    def __init__(self, own: Sequence[Statement]) -> None:
        self.statements = own
        self.by_key: dict[str, list[int]] = {}
        self._first_value: dict[str, int] | None = None
        self._definitions: dict[str, int] | None = None
        self._first_mark: dict[str, int] | None = None
        self._left_sides: dict[str, list[tuple[int, str]]] | None = None
        for statement in own:
            if statement.key:
                self.by_key.setdefault(statement.key, []).append(statement.index)

    def news(self, index: int) -> list[str]:
        """Return the values and equations that a statement is the first to have."""
        if self._first_mark is None:
            self._first_mark = {}
            for statement in self.statements:
                for mark in statement.unit.marks:
                    self._first_mark.setdefault(mark, statement.index)
        return [mark for mark in self.statements[index].unit.marks if self._first_mark[mark] == index]

    def gives(self, name: str) -> Sequence[tuple[int, str]]:
        """Return statement and right side of every equation with this left side."""
        if self._left_sides is None:
            self._left_sides = {}
            for statement in self.statements:
                for equation in statement.unit.equations:
                    left, _, right = equation.partition("=")
                    self._left_sides.setdefault(left, []).append((statement.index, right))
        return self._left_sides.get(name, ())

    def definition(self, symbol: str) -> int | None:
        """Return the first statement that defines a symbol; None if none does."""
        if self._definitions is None:
            self._definitions = {}
            for statement in self.statements:
                if any(map(statement.unit.lower.__contains__, _DEFINING)):
                    for defined in _DEFINED.findall(statement.unit.plain):
                        for found in SYMBOL.findall(defined):
                            self._definitions.setdefault(found, statement.index)
        return self._definitions.get(symbol)

    def first_value(self, number: str) -> int | None:
        """Return the first statement that has a number, as written; None if none has."""
        if self._first_value is None:
            self._first_value = {}
            for statement in self.statements:
                for found in statement.numbers:
                    self._first_value.setdefault(found, statement.index)
        return self._first_value.get(number)


@lru_cache(maxsize=4)  # a teacher that repairs a revision checks it several times
def index_of(text: str) -> StatementIndex:
    """Return the statements of a text as an index."""
    return StatementIndex(statements(text))


def repeated(source: StatementIndex, revision: Sequence[Statement]) -> list[int | None]:
    """Return for each statement of a revision the one of the source that it repeats, or None.

    Of several, the first one after the statement before it.
    """
    last = -1
    places: list[int | None] = []
    for statement in revision:
        options = source.by_key.get(statement.key, ())
        following = bisect_right(options, last)
        place = options[following] if following < len(options) else options[0] if options else None
        if place is not None:
            last = max(last, place)
        places.append(place)
    return places


def aligned(source: StatementIndex, revision: Sequence[Statement]) -> list[int | None]:
    """As `repeated`, for a revision that is an excerpt of the source; otherwise None for every statement.

    Of a text of which less than half repeats the source, the rest is not what was left of the source.
    """
    places = repeated(source, revision)
    is_excerpt = 2 * sum(place is not None for place in places) >= len(places)
    return places if is_excerpt else [None] * len(places)
