"""Whether anything of a derivation is left: a computation or a deduction, not only question and answer."""

import re
from collections.abc import Sequence

from drp.derivation.statements import Statement

_COMPUTES = re.compile(r"[\w)!%°|][-+*/^√(][\w(√-]|\d.{0,80}[=≈≡<>≤≥]")
_DEDUCES = re.compile(
    r"\b(?:since|because|so|therefore|thus|hence|then|implies|means|follows|must|cannot|can't|only|every|each|if|as"
    r"|formula|theorem|factor\w{0,3}|prime|divisible|multiple|remainder|odd|even|symmetr\w{1,3}|same|similar|equal)\b"
)
_CONCLUDES = re.compile(r"\b(?:answer|boxed|final)\b")
_TALK = re.compile(  # words of talk about any solution, which say nothing of this one
    r"(?:also|ask|back|best|care|come|down|easy|find|fit|giv|goal|good|has|here|hold|idea|keep|key|kind|know|lead"
    r"|let|look|make|math|mean|must|need|next|now|okay|once|part|plan|put|read|same|see|set|show|size|solv|step"
    r"|sure|take|task|thus|told|try|type|use|want|way|well|work)(?:e?s|e?d|en?|ing|ly)?\b"
    r"|(?:account|after|again|ambigu|another|answer|approach|attempt|because|begin|calculat|carry|check|clear"
    r"|combin|comput|condition|confirm|consider|consist|correct|detail|direct|double|effort|evaluat|every|exact"
    r"|express|final|first|follow|found|handle|hence|impl|import|inform|logic|making|match|matter|method|nothing"
    r"|number|obtain|order|other|overall|plausib|problem|process|properly|quantit|question|reason|relat|restat"
    r"|result|right|satisf|second|separat|several|should|simple|simplif|since|solution|something|standard|start"
    r"|stated|statement|strateg|substitut|taking|therefore|think|thought|through|together|total|track|translat"
    r"|twice|unknown|using|usual|value|verif|whole|write|yield)"
)
_FORMULA = re.compile(r"[\d=√^]")
_EDGES = ".,;:!?\"“”'()"


def derives(question: Sequence[Statement], thinking: Sequence[Statement]) -> bool:
    """Whether a text has a sentence that computes or deduces and does not only repeat the question.

    The answer alone is no derivation, nor are plans, checks and other talk that would fit any problem.
    """
    asked = {statement.key for statement in question}
    given = "".join(statement.unit.plain for statement in question).replace(" ", "")
    words = frozenset().union(*(statement.unit.vocabulary for statement in question))
    final = _last_piece(thinking)
    for statement in thinking:
        unit = statement.unit
        if statement.key in asked or unit.body.endswith("?"):
            continue
        pieces = [
            piece
            for spelled in _formulas(statement)
            if (piece := spelled.strip(_EDGES)) != final and piece and piece not in given
        ]
        if any(map(_COMPUTES.search, pieces)):
            return True
        news = {word for word in unit.vocabulary - words if not _TALK.match(word)}
        if len(pieces) >= 2 or (pieces and (len(news) >= 2 or set(unit.results).intersection(pieces))):
            return True
        if _CONCLUDES.search(unit.lower) or "\\boxed" in unit.text:
            continue
        if len(news) >= 2 and _DEDUCES.search(unit.lower):
            return True
    return False


def _last_piece(thinking: Sequence[Statement]) -> str:
    """Return the last number or formula of a text, which is the answer of one that only states it."""
    for statement in reversed(thinking):
        if pieces := _formulas(statement):
            return pieces[-1].rpartition("=")[2].strip(_EDGES)
    return ""


def _formulas(statement: Statement) -> list[str]:
    return [piece for piece in statement.unit.plain.split() if _FORMULA.search(piece)]
