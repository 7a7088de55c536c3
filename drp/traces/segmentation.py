"""Split a trace into units.

A unit is a sentence or a line, the smallest piece the heuristic teacher decides on. Mathematics is never
split: `\\[ … \\]`, `$ … $` and `\\begin … \\end` stay within one unit. The units of a text cover it from
first to last character.

Everything here is linear in the length of the text: closers are searched within a fixed distance, and
repetition is bounded. Patterns start with a literal character where possible and use a lookbehind for what
precedes it, because `re` then skips directly to such characters, which is several times as fast.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Generic, TypeVar

from drp.traces.spelling import plain_lines

_FORMULA_LIMIT = 4_000  # characters; an opener without a closer within this distance is ordinary text
_INLINE_LIMIT = 600

_POINTS = re.compile(  # the only places where a unit can end or where splitting is forbidden
    r"[\\$\n.?!。！？()](?:(?<=\\)(?:begin\{(?P<env>[a-z]{1,12}\*?)\}|.)|(?<=\$)\$?|(?<=\n)\s*"
    r"|(?<=[.?!])(?P<end>[.?!]{0,5}[*\"”’')\]]{0,3})(?P<gap>[ \t\r\u00a0]{1,8})|(?<=[。！？()]))"
)
_ABBREVIATION = re.compile(  # text that ends in a full stop which does not end the sentence
    r"\b(?:i\.e|e\.g|etc|vs|cf|eqs?|fig|no|dr|mrs?|approx|resp|a\.m|p\.m)\.$", re.I
)
_ABBREVIATED = (
    *("i.e.", "e.g.", "etc.", "vs.", "cf.", "eq.", "eqs.", "fig.", "no.", "dr.", "mr.", "mrs."),
    *("approx.", "resp.", "a.m.", "p.m."),
)
"""With one of these each match of _ABBREVIATION ends; a look for them is cheaper."""
_BEFORE_END = 12  # most characters that tell whether a full stop ends a sentence
_ITEM_NUMBER = re.compile(
    r"\s{0,4}[*(#]{0,3}(?:\d{1,2}|[a-zA-Z]|[ivx]{1,4})\.\Z"
)  # "2." alone starts a list item
_FACTORIAL = re.compile(r"(?:[\d)|}\]]|\b[a-zA-Z])!$")  # "5! 3!" is a product, not two exclamations
_PRICE = re.compile(r"\$\d[\d,.]{0,9}(?![\d,.])")  # perhaps a dollar amount, which does not open a formula
_WORDS = re.compile(r"(?<![\\a-zA-Z])[a-zA-Z]{3,20}[,;:]? [a-zA-Z]{2,20}")
_CLOSERS = {"\\[": "\\]", "\\(": "\\)", "$$": "$$", "$": "$"}


_Value = TypeVar("_Value")


class _cached(Generic[_Value]):  # noqa: N801 - used like a decorator
    """`functools.cached_property` without its lock, which would cost more than the computation."""

    def __init__(self, function: Callable[[Any], _Value]) -> None:
        self.function, self.name = function, function.__name__

    def __get__(self, instance: Any, owner: type) -> _Value:
        value = self.function(instance)
        setattr(instance, self.name, value)  # later reads find it there; a use of `__dict__` would build one
        return value


@dataclass(eq=False)  # not frozen: that would make construction, thousands a second, five times as slow
class Unit:
    """A sentence or line [start, end) of a trace; `text` includes trailing white space, `plain` does not."""

    index: int
    start: int
    end: int
    paragraph: int
    text: str
    body: str  # text without surrounding white space
    plain: str
    lower: str  # plain in lower case, for matching words

    @_cached
    def values(self) -> frozenset[str]:
        """Its unsigned numbers; for a fraction also numerator and denominator."""
        found = VALUE.findall(self.plain)
        if not found:
            return _NONE
        if "/" in self.plain:
            found += [part for value in found if "/" in value for part in value.split("/")]
        return frozenset(found)

    @_cached
    def strong(self) -> frozenset[str]:
        """Its values that are unlikely to be repeated by chance."""
        return frozenset(filter(STRONG.search, self.values)) if self.values else _NONE

    @_cached
    def results(self) -> Sequence[str]:
        """Numbers that it states as a result, in order."""
        return RESULT.findall(self.plain) if _DIGIT.search(self.plain) else ()

    @_cached
    def equations(self) -> frozenset[str]:
        """Pairs `left=right` from its chains of equations."""
        return equations(self.plain)

    @_cached
    def marks(self) -> frozenset[str]:
        """Values and equations together: what later units may use."""
        return self.values | self.equations if self.equations else self.values

    @_cached
    def vocabulary(self) -> frozenset[str]:
        """Content words without stop words."""
        return frozenset(_WORD.findall(self.lower)) - _STOP


VALUE = re.compile(r"\d(?<![\w.]\d)\d*(?:\.\d+)?(?:/\d+)?")  # an unsigned number or plain fraction
STRONG = re.compile(r"\d\d|[./]")  # a value that is unlikely to be repeated by chance
RESULT = re.compile(
    r"(?:=|≈|≡|\b(?:is|are|gives?|gets?|equals?|makes?|to|be|have|leaves|with|exactly"
    r"|has))\s?\(?-?(\d+(?:\.\d+)?(?:/\d+)?)(?![\w(^*/+]|-\d|\.\d)"
)
_DIGIT = re.compile(r"\d")
_NONE: frozenset[str] = frozenset()  # shared, because most units have no such value


def equations(spelled: str) -> frozenset[str]:
    """Return the pairs `left=right` of all chains of equations in a text in plain spelling."""
    if "=" not in spelled:
        return _NONE
    pairs: set[str] = set()
    # `plain` leaves no spaces inside an equation
    for chain in spelled.replace(",", " ").replace(";", " ").replace(":", " ").split():
        if "=" not in chain:
            continue
        sides = [
            side.strip(".?!") if side.endswith((".", "?")) else side.strip(".") for side in chain.split("=")
        ]
        pairs.update([f"{a}={b}" for a, b in pairwise(sides) if a and b])
    return frozenset(pairs)


_WORD = re.compile(r"[a-z][a-z]{2,29}")  # a word long enough to carry meaning
_STOP = frozenset(
    [
        *("the", "and", "that", "for", "this", "with", "you", "let", "what", "which", "how", "many", "find"),
        *("there", "have", "has", "does", "can", "from", "was", "were", "are", "not", "but", "then", "each"),
        *("one", "two", "when", "all", "its", "will", "would", "where", "your", "express", "answer"),
        "common",
        *("such", "need", "get", "got", "about", "just", "also", "into", "they", "them", "than"),
    ]
)


def words(lower: str) -> set[str]:
    """Return the content words of a lower-case text."""
    return set(_WORD.findall(lower)) - _STOP


def _is_price(text: str, start: int) -> bool:
    """Whether the `$` at `start` is a currency sign: no `$` closes it, or prose or a price follows."""
    if not _PRICE.match(text, start):
        return False
    close = text.find("$", start + 1, start + 1 + _INLINE_LIMIT)
    if close < 0 or text[close + 1 : close + 2].isdigit():
        return True
    inside = text[start + 1 : close]
    return "\n\n" in inside or inside.endswith(" ") or _WORDS.search(inside) is not None


def _formula_end(text: str, opener: str, start: int) -> int:
    """Return the end of the formula that `opener` begins at `start`, or -1 if there is no formula."""
    inside = start + len(opener)
    if opener == "$":
        if _is_price(text, start):
            return -1
        close = text.find("$", inside, inside + _INLINE_LIMIT)
        return close + 1 if close > inside and "\n\n" not in text[inside:close] else -1
    closer = _CLOSERS[opener] if opener in _CLOSERS else opener.replace("begin", "end")
    close = text.find(closer, inside, inside + _FORMULA_LIMIT)
    return close + len(closer) if close >= 0 else -1


def _sentence_ends(text: str, start: int, point: re.Match[str]) -> bool:
    following = text[point.end() : point.end() + 1]
    if not following or following in "+=/^<>≤≥×·)" or (following.islower() and following.isascii()):
        return False
    if text.startswith("..", point.start()) and not following.isupper():  # "1 + 2 + ... + 9"
        return False
    end = point.end("end")
    before = text[max(start, point.start() - _BEFORE_END) : end]
    if before.endswith(".") and (
        (before.lower().endswith(_ABBREVIATED) and _ABBREVIATION.search(before))
        or (end - start <= _BEFORE_END and _ITEM_NUMBER.match(text, start, end))
    ):
        return False
    return not (before.endswith("!") and not following.isupper() and _FACTORIAL.search(before))


@lru_cache(maxsize=4)  # a trace is split for its steps and again for its decisions
def cut(text: str) -> Sequence[tuple[int, int]]:
    """Return the end of each unit and the number of its paragraph: `[(end, paragraph), …]`."""
    ends: list[tuple[int, int]] = []
    start = position = paragraph = depth = 0

    def close(end: int) -> None:
        nonlocal start, depth
        if text[start:end].strip() or not ends:
            ends.append((end, paragraph))
        else:  # white space alone is not a unit: it belongs to the one before
            ends[-1] = (end, ends[-1][1])
        start, depth = end, 0

    while point := _POINTS.search(text, position):
        mark = point[0]
        position = point.end()
        if mark == "(":
            depth += 1
        elif mark == ")":
            depth = max(0, depth - 1)
        elif mark[0] == "\n":
            close(position)
            paragraph += mark.count("\n") > 1
        elif mark in _CLOSERS or point["env"]:
            end = _formula_end(text, mark, point.start())
            position = end if end > 0 else position
        elif mark in "。！？" or (point["gap"] and depth == 0 and _sentence_ends(text, start, point)):
            close(position)
    if start < len(text):
        close(len(text))
    return ends


def units(text: str, also_at: Iterable[int] = ()) -> Sequence[Unit]:
    """Return the units of `text`, also split at the offsets `also_at`; none for an empty text."""
    ends = cut(text) if text else ()
    extra = sorted(set(also_at).difference((0, *(end for end, _ in ends)))) if ends else []
    if not extra:
        return _own_units(text)
    paragraphs = dict(ends)
    known = [end for end, _ in ends]
    for offset in extra:
        if offset < known[-1]:
            paragraphs[offset] = paragraphs[known[bisect_right(known, offset)]]
    return _units_at(text, sorted(paragraphs.items()))


@lru_cache(maxsize=8)  # the teacher and the checks of a derivation read the same texts several times
def _own_units(text: str) -> Sequence[Unit]:
    return _units_at(text, cut(text)) if text else ()


def _units_at(text: str, ends: Sequence[tuple[int, int]]) -> Sequence[Unit]:
    spans = [end for end, _ in ends]
    starts = [0, *spans[:-1]]
    texts = [text[a:b] for a, b in zip(starts, spans, strict=True)]
    return tuple(
        Unit(index, start, end, paragraph, raw, raw.strip(), spelling, spelling.lower().replace("’", "'"))
        for index, (start, (end, paragraph), raw, spelling) in enumerate(
            zip(starts, ends, texts, plain_lines(texts), strict=True)
        )
    )


_BALANCED = re.compile(r"\\\\|\\[\[\]()]|\\\$|\\[{}]|\$\$|[{}$]|\\(begin|end)\{")  # what must occur in pairs


def is_balanced(text: str) -> bool:
    """Return whether all braces, dollars, `\\(`, `\\[` and environments are closed in order."""
    if not any(map(text.__contains__, "\\$}{")):
        return True
    stack: list[str] = []
    pairs = {"\\]": "\\[", "\\)": "\\(", "}": "{"}
    for match in _BALANCED.finditer(text):
        mark = match.group()
        if match[1] == "begin":
            stack += ["begin", "{"]
        elif match[1] == "end":
            if not stack or stack.pop() != "begin":
                return False
            stack.append("{")
        elif mark in {"\\[", "\\(", "{"}:
            stack.append(mark)
        elif mark in pairs:
            if not stack or stack.pop() != pairs[mark]:
                return False
        elif mark in {"$", "$$"}:
            if mark == "$" and "$" not in stack and _is_price(text, match.start()):
                continue
            if stack and stack[-1] == mark:
                stack.pop()
            else:
                stack.append(mark)
    return not stack


_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")  # a paragraph ends
_LINE_STARTERS = re.compile(r"\\\[|\$\$|\\begin\{|[-*•] |\d{1,2}[.)] |#")  # formulas, list items, headings


def separator(between: str, following: str) -> str:
    """Return the white space between two pieces of a shortened text.

    Args:
        between: the text between them in the original, including what was removed.
        following: the second piece.
    """
    if between.count("\n") > 1 and _BLANK_LINE.search(between):
        return "\n\n"
    return "\n" if "\n" in between or _LINE_STARTERS.match(following) else " "
