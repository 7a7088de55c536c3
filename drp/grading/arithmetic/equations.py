"""Parse the two sides of every equals sign in mixed prose, LaTeX and Unicode: `equations(text)`.

Used by `drp.grading.arithmetic.check`. A side is the longest run of mathematics next to the sign that is
complete: not continued by a variable, a function, an ellipsis or a word that computes. Units and currency
signs are separated from it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from drp.grading.arithmetic.evaluate import Token

_REACH = 300
"""Characters read on each side of an equals sign; a longer side is skipped."""

# An equals sign that is not part of <=, >=, !=, :=, ==, => .
_EQUALS = re.compile(r"=(?<![<>!:=~≈\\]=)(?![=>])")
# A side without a digit has no value.
_DIGIT = re.compile(r"\d")
# Three consecutive words or the end of a paragraph end a side, so the prose beyond need not be read.
_PROSE = re.compile(r"(?<![A-Za-z\\{])[A-Za-z]{2,20} [A-Za-z]{2,20} [A-Za-z]{2,20}(?![A-Za-z}])|\n\n")
_SHORT_SEGMENT = 30
# Possible last characters of a side, besides digits and units.
_CLOSERS = frozenset("}]%!°.,¹²³")

# One token. Every alternative is linear and bounded, and the last one matches any character.
_TOKEN = re.compile(
    r"""
      (?P<num>  (?: \d{1,3} (?: (?: ,\\!\ ? | \{,\}(?:\\!)? | ,\\, | \\, | , ) \d{3} )+ (?!\d) | \d+ )
                (?: \.\d+ )? | \.\d+ )
    | (?P<skip> [ \t\u00a0\u2009\u202f~&]+ | \\[,;:!\ ]
                | \\(?:left|right|displaystyle|boxed|fbox|mathbf|textbf|bf|[bB]igg?[lr]?)(?![a-z])
                | \^\{\s?\\circ\s?\} | \^\s?\\circ(?![a-z]) | \^?° | \\degree
                | \\\$ | \*\*(?!\d) | (?<!\d)\*\* | __ | ` )
    | (?P<mul>  \\(?:times|cdot)(?![a-z]) | [*×·⋅∙∗](?!\*) )
    | (?P<add>  \+ )
    | (?P<sub>  [-−] )
    | (?P<div>  \\div(?![a-z]) | [/÷∕] )
    | (?P<half> \\[dtc]?frac \s? \d \s? \d (?!\d) )
    | (?P<func> \\[dtc]?frac (?![a-z]) | \\[dt]?binom (?![a-z]) | \\sqrt (?![a-z\[]) | √ )
    | (?P<pow>  \^ | \*\* )
    | (?P<sup>  [⁰¹²³⁴⁵⁶⁷⁸⁹]+ )
    | (?P<pct>  \\?% | [Pp]ercent\b )
    | (?P<bang> ! )
    | (?P<open> [(\[{] )
    | (?P<close> [)\]}] )
    | (?P<money> \$(?=\.?\d) | [€£] )
    | (?P<word> [^\W\d_]+ (?:['’]s\b)? )
    | (?P<stop> [,:?] | \.(?!\.) )
    | (?P<line> \\\\ | [\n\r] | \\(?:quad|qquad|newline)(?![a-z]) )
    | (?P<label> \\(?:text|mbox|textrm|mathrm|textnormal|textit|rm|mathit) \s? \{ [^{}]{0,80} \} )
    | (?P<edge> \$\$? | \\[()\[\]] | [;"“”–—<>≤≥≈≠⇒→∴∵✓✔]
                | \\(?:approx|leq?|geq?|lt|gt|neq?|Rightarrow|Longrightarrow|implies|iff|rightarrow)(?![a-z])
                | \\(?:begin|end)\{(?:align|aligned|equation|gather|gathered|split|eqnarray)\*?\} )
    | (?P<opaque> \\[A-Za-z]+ | .[.…]* )
    """,
    re.VERBOSE | re.DOTALL,
)
_OPERATORS = frozenset({"mul", "div", "add", "sub", "pow"})
_VALUES = frozenset({"num", "half", "close", "sup", "pct", "bang"})
_OPERATIONS = (_OPERATORS - {"sub"}) | {"half", "func", "sup", "bang"}
_SIDE = _OPERATORS | _VALUES | {"func", "open", "unit", "money"}
_OPERANDS = frozenset({"num", "open", "money", "half", "func"})
_EDGES = frozenset({"line", "edge"})
_DELIMITERS = frozenset({"$", "$$", "\\(", "\\["})
_PARTNER = {")": "(", "]": "[", "}": "{"}


def _words_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that compute with or scale the number next to them, so that the side has no certain value.
_COMPUTING = _words_of(
    "mod modulo minus plus times over divided multiplied squared cubed choose remainder rem base dozen "
    "dozens hundred hundreds thousand thousands million millions billion billions trillion half third "
    "quarter per less more than not no about approximately roughly around nearly almost twice double "
    "triple gcd lcm gcf sin cos tan log ln sqrt max min abs floor ceil det deg"
)
# Short words that may occur next to an expression; other words of one or two letters are variables.
_SHORT_WORDS = _words_of("is so to of in we or by at be it if as an on up do us am he my oh ok and")
# Short words that may occur between a number and an operator; others are products of variables.
_SHORT_UNITS = _words_of(
    "cm mm km kg mg lb lbs oz ft in mi mph hr hrs min sec ml cl gal yd yds cups pts usd hp kw"
)
_SHORT = _SHORT_WORDS | _SHORT_UNITS
# Kind of a run of words, by whether it may follow and whether it may precede an expression.
_WORD_KINDS = {
    (True, True): "prose",
    (True, False): "ending",
    (False, True): "opening",
    (False, False): "opaque",
}
# Words that start a new phrase: a run of words with one of them is not a unit.
_JOINING = _words_of("and is so if or as we be because since then for but gives equals makes")
# A word of a label such as `\text{ square meters}`, but not its command.
_WORD = re.compile(r"(?<!\\)\b[^\W\d_]+")


@dataclass(frozen=True)
class Side:
    """One side of an equation: its tokens without units, its units, and its span in the text."""

    tokens: Sequence[Token]
    units: frozenset[str]
    start: int
    end: int

    @property
    def computes(self) -> bool:
        """Whether it is a computation and not just a number."""
        return any(t.kind in _OPERATIONS or (t.kind == "sub" and i > 0) for i, t in enumerate(self.tokens))

    @property
    def places(self) -> list[int]:
        """Number of decimal places of each of its numbers."""
        return [len(t.text.partition(".")[2]) for t in self.tokens if t.kind == "num"]

    def has(self, kind: str) -> bool:
        """Return whether it has a token of `kind`."""
        return any(token.kind == kind for token in self.tokens)


def equations(text: str) -> Iterator[tuple[Side, Side]]:
    """Yield both sides of every equals sign whose sides can be parsed, in order; linear in `text`."""
    signs = [sign.start() for sign in _EQUALS.finditer(text)]
    bounds = [-1, *signs, len(text)]
    head: list[Token] = []
    head_bounds = (-1, -1)  # a side within a chain is tokenized once and used for both its signs
    for index, sign in enumerate(signs, start=1):
        previous, following = bounds[index - 1], bounds[index + 1]
        if _ends_unevaluable(text, previous + 1, sign) or _begins_unevaluable(text, sign + 1, following):
            continue
        start, end = max(previous + 1, sign - _REACH), min(following, sign + 1 + _REACH)
        cut_left, cut_right = start > previous + 1, end < following
        if sign - start > _SHORT_SEGMENT:
            for prose in _PROSE.finditer(text, start, sign):
                start, cut_left = prose.start(), False
        if end - sign > _SHORT_SEGMENT and (beyond := _PROSE.search(text, sign + 1, end)):
            end, cut_right = beyond.end(), False
        tail = head if head_bounds == (start, sign) else _tokens(text, start, sign)
        left = _left(tail, cut=cut_left)
        if left is None:
            continue
        head, head_bounds = _tokens(text, sign + 1, end), (sign + 1, end)
        right = _right(head, cut=cut_right)
        if right and (left.computes or right.computes):
            yield left, right


def _ends_unevaluable(text: str, start: int, end: int) -> bool:
    """Quickly rule out a left side that cannot be evaluated, usually because it is a variable."""
    last = text[max(start, end - 12) : end].rstrip(" \t\n&$\\)*`")
    return bool(last) and not (last[-1] in _CLOSERS or last[-1].isdigit() or last[-2:].isalpha())


def _begins_unevaluable(text: str, start: int, end: int) -> bool:
    """Quickly rule out a right side that begins with a variable."""
    first = text[start : min(end, start + 12)].lstrip(" \t\n&$([{")
    return first[:1].isalpha()


def _tokens(text: str, start: int, end: int) -> list[Token]:
    """Return the tokens of a segment, with each run of words as a unit or one of `_WORD_KINDS`."""
    if not _DIGIT.search(text, start, end):
        return []
    raw = [
        Token(kind, match[0], *match.span())
        for match in _TOKEN.finditer(text, start, end)
        if (kind := match.lastgroup or "") != "skip"
    ]
    tokens: list[Token] = []
    at = 0
    while at < len(raw):
        if raw[at].kind in ("word", "label"):
            token, at = _words(raw, at, tokens[-1] if tokens and tokens[-1].kind in _VALUES else None)
            tokens.append(token)
        else:
            tokens.append(raw[at])
            at += 1
    return tokens


def _words(raw: Sequence[Token], at: int, value: Token | None) -> tuple[Token, int]:
    """Return the token for the run of words at `at` and the index after it; `value` is the token before."""
    stop = at
    while stop < len(raw) and raw[stop].kind in ("word", "label"):
        stop += 1
    first = raw[at]
    following = raw[stop].kind if stop < len(raw) else ""
    if first.text in ("x", "X") and stop == at + 1 and value and following in _OPERANDS:
        return first._replace(kind="mul"), stop
    words = [word.lower() for token in raw[at:stop] for word in _WORD.findall(token.text)]
    is_label = first.kind == "label"
    if any(_DIGIT.search(token.text) for token in raw[at:stop]) or not words:
        return first._replace(kind="opaque", end=raw[stop - 1].end), stop
    is_attached = value is not None and value.end == first.start and not is_label
    short, least = (_SHORT_UNITS, 5) if is_attached else (_SHORT, 3)
    may_follow = _is_word(words[0], short, least) and _COMPUTING.isdisjoint(words[:2])
    if (
        value
        and may_follow
        and len(words) <= 5
        and _JOINING.isdisjoint(words)
        and all(_is_word(word, _SHORT, 3) for word in words[1:])
    ):
        stop = _after_unit(raw, stop)
        following = raw[stop].kind if stop < len(raw) else ""
        if following in _OPERATORS or following == "close" or stop == len(raw):
            return Token("unit", " ".join(words), first.start, raw[stop - 1].end), stop
    last = raw[stop - 1]
    touches = stop < len(raw) and raw[stop].start == last.end and last.kind == "word"
    may_precede = (
        not (following in _OPERANDS and (touches or (value and following == "open")))
        and _is_word(words[-1], _SHORT, 3)
        and _COMPUTING.isdisjoint(words[-2:])
        and not (words[-1] == "of" and value and len(words) <= 4)  # a fraction of what follows
    )
    kind = _WORD_KINDS[may_follow, may_precede]
    return Token(kind, " ".join(words), first.start, last.end), stop


def _is_word(word: str, short: frozenset[str], least: int) -> bool:
    return len(word) >= least or word in short


def _after_unit(raw: Sequence[Token], at: int) -> int:
    """Return the index after the exponent and the denominator of a unit: `cm^2`, `miles/hour`."""
    if at < len(raw) and raw[at].kind == "sup":
        at += 1
    elif at + 1 < len(raw) and raw[at].kind == "pow":
        at += 2 if raw[at + 1].kind == "num" else 4
    if (
        at + 1 < len(raw)
        and raw[at].kind == "div"
        and raw[at + 1].kind in ("word", "label")
        and len(raw[at + 1].text) > 1
    ):
        at += 2
    return min(at, len(raw))


def _left(tokens: Sequence[Token], *, cut: bool) -> Side | None:
    """Return the run of mathematics at the end of a segment if it is complete."""
    end = len(tokens)
    while end and tokens[end - 1].kind in _EDGES:
        end -= 1
    start = end
    while start and tokens[start - 1].kind in _SIDE:
        start -= 1
    run = list(tokens[start:end])
    if not run or (start == 0 and cut) or (start and not _may_begin(tokens, start)):
        return None
    unmatched = _unmatched(run)
    if unmatched:
        last = unmatched[-1]
        is_item_number = last == 1 and run[1].text == ")" and run[0].kind == "num"  # "1) 3 + 4 = 7"
        if run[last].kind == "close" and not is_item_number:
            return None
        start, run = start + last + 1, run[last + 1 :]
    edge = tokens[start - 1] if start else None
    if run and edge and run[0].kind in ("mul", "sub"):
        if (
            run[0].text in "*-•"
            and edge.kind == "line"
            and edge.text in "\n\r"
            and len(run) > 1
            and run[0].end < run[1].start
        ):
            run = run[1:]  # a bullet
        elif (
            run[0].kind == "mul"
            or len(run) < 2
            or run[0].end < run[1].start
            or edge.kind not in _EDGES | {"open"}
        ):
            return None
    side = _side(run)
    if (
        side
        and not side.computes
        and edge
        and not (edge.kind in ("line", "stop") or edge.text in _DELIMITERS)
    ):
        return None  # `divisible by 3 or 5 = 15 + 10 - 5`: the number belongs to the prose
    return side


def _may_begin(tokens: Sequence[Token], start: int) -> bool:
    """Return whether an expression may begin at `start`, given the token before it."""
    edge, first = tokens[start - 1], tokens[start]
    if edge.kind == "stop":
        if edge.end == first.start:
            return False
        return not (edge.text == ":" and start > 1 and tokens[start - 2].end < edge.start)  # 3 : 4
    if edge.kind in _EDGES:
        before = start - 1
        while before and tokens[before].kind in _EDGES:
            before -= 1
        if tokens[before].kind in _OPERATORS:
            return False
        return not (edge.text in "\n\r" and tokens[before].kind == "opaque")
    return edge.kind in ("prose", "opening")


def _right(tokens: Sequence[Token], *, cut: bool) -> Side | None:
    """Return the run of mathematics at the beginning of a segment if it is complete."""
    start = 0
    while start < len(tokens) and tokens[start].kind in _EDGES:
        start += 1
    end = start
    while end < len(tokens) and tokens[end].kind in _SIDE:
        end += 1
    run = list(tokens[start:end])
    edge = tokens[end] if end < len(tokens) else None
    if not run or (edge is None and cut):
        return None
    unmatched = _unmatched(run)
    if unmatched:
        first = unmatched[0]
        is_remark = edge is not None and edge.kind in ("prose", "opening") and first == len(run) - 1
        is_spaced = first > 0 and run[first].start - run[first - 1].end == 1
        if run[first].kind == "open" and not (is_remark and is_spaced):
            return None
        run = run[:first]
    elif edge is not None:
        if not _may_end(tokens, end):
            return None
        if run[-1].kind in ("sub", "mul") and edge.kind == "prose" and run[-1].end < edge.start:
            run.pop()  # a dash
    if run and run[-1].kind == "bang":
        return None  # a factorial or an exclamation
    return _side(run)


def _may_end(tokens: Sequence[Token], end: int) -> bool:
    """Return whether an expression may end before `end`, given the token there."""
    edge = tokens[end]
    following = tokens[end + 1] if end + 1 < len(tokens) else None
    if edge.kind == "stop":
        if following is None or following.start > edge.end:
            return not (
                edge.text == ":"
                and following
                and following.kind == "num"
                and tokens[end - 1].end < edge.start
            )
        return following.kind not in ("num", "opaque") and (
            edge.text == "." or following.kind in _EDGES | {"close"}
        )
    if edge.kind in _EDGES:
        after = end
        while after < len(tokens) and tokens[after].kind in _EDGES:
            after += 1
        if after == len(tokens) or tokens[after].kind not in _OPERATORS | {"sup", "bang", "pct", "opaque"}:
            return True
        is_bullet = (
            tokens[after].text in "*-•"
            and tokens[after - 1].text in "\n\r"
            and after + 1 < len(tokens)
            and tokens[after + 1].kind not in _OPERANDS
        )
        return is_bullet or (tokens[after].kind == "opaque" and tokens[after - 1].kind == "line")
    return edge.kind in ("prose", "ending")


def _unmatched(run: Sequence[Token]) -> list[int]:
    """Return the indexes of brackets without a partner in `run`."""
    open_brackets: list[int] = []
    unmatched: list[int] = []
    for index, token in enumerate(run):
        if token.kind == "open":
            open_brackets.append(index)
        elif token.kind == "close":
            if open_brackets and run[open_brackets[-1]].text == _PARTNER[token.text]:
                open_brackets.pop()
            else:
                unmatched.append(index)
    return sorted(unmatched + open_brackets)


def _side(run: Sequence[Token]) -> Side | None:
    tokens = [token for token in run if token.kind not in ("unit", "money")]
    if not any(token.kind in ("num", "half") for token in tokens):
        return None
    if tokens[0].text == "[":
        return None  # a floor function or a plain bracket
    words = [word for token in run if token.kind == "unit" for word in token.text.split()]
    words += ["$" for token in run if token.kind == "money"]
    return Side(tokens, frozenset(words), run[0].start, run[-1].end)
