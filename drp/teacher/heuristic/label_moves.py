"""Tell the sentences of a step that work on the mathematics from those that only talk about it.

A sentence that re-reads the problem, plans, asks or doubts names triangles and ways as one does that derives
something about them. So a field of mathematics names a step only where most of its sentences work.
"""

import re
from collections.abc import Sequence, Set
from functools import cached_property
from typing import NamedTuple

from drp.teacher.heuristic.label_conditions import INTERJECTIONS, StepText
from drp.traces import words

_MOST = 0.5  # share of a step's characters
_ASKED = 0.7  # share of a sentence's words that the question has
_TASK = r"(?:problem|question|exercise|puzzle|statement|wording|phrase|phrasing)"
_SAYS = (
    r"(?:says?|said|saying|asks?|asked|asking|states?|stated|wants?|gives|mention\w*|specif\w+"
    r"|tells?|clarif\w+|defin\w+|mean[ts]?|intend\w*|expect\w*|refers?|require[sd]?|presented)"
)
_BETWEEN = (
    r"(?:,? (?:statement|itself|here|just|only|also|clearly|specifically|explicitly|already|probably|is"
    r"|was|it"
    r"|did|does|doesn't|does not|didn't|might|may|could))*"
)
_READS: tuple[tuple[Sequence[str], re.Pattern[str]], ...] = (
    (
        ("problem", "question", "exercise", "puzzle", "statement", "wording", "phras"),
        re.compile(
            rf"{_TASK}(?:{_BETWEEN} {_SAYS}\b| statement\b| is (?:to|for|just|whether)\b)"
            r"|in the (?:problem|question)\b"
        ),
    ),
    (
        ("given", "told", "asked", "stated"),
        re.compile(
            r"\b(?:i|we)(?:'m|'re| am| are| have been|'ve been) (?:given|told|asked)\b|\bas (?:given"
            r"|stated) in\b"
            r"|\b(?:is|are|was) (?:already )?given(?: (?:as|in|that|to be)\b|\.)"
        ),
    ),
    (
        ("it says", "it asks", "it states", "it specifies", "it doesn't", "it just", "it only", "it also"),
        re.compile(
            r"\bit (?:just |only |also )?(?:says|asks|states|specifies|doesn't (?:say|specify"
            r"|state|mention))\b"
        ),
    ),
    (("read",), re.compile(r"\bre-?read\b|\bread (?:it|that|the)\b")),
    (("interpretation:",), re.compile(r"\A[^a-z]*(?:\w+ )?interpretation:")),
)
"""What re-reads the problem, each after words of which every match has one: a search for them is cheaper."""
_PLANS = re.compile(
    rf"{INTERJECTIONS}(?:(?:maybe|perhaps),? (?:it's |it is |there's |(?:i|we)(?:'ll)? "
    r"(?:can|could|should|need|have|might)|by|using|a|another)"
    r"|let(?:'s| me| us)\b(?! (?:denote|call|define|assume|suppose|say|be)\b)"
    r"|(?:i|we)(?:'ll|'d)? ?(?:just |also |now |then |first |still |only )?(?:need|have|want) to\b"
    r"|(?:i|we) (?:should|could|might|must)\b|(?:i|we)(?:'ll| will| am going to|'m going to)\b"
    r"|(?:i|we) can (?:also |then |just |now |try to )?(?:use|try|think|start|consider|approach|look"
    r"|break|proceed|do)\b"
    r"|(?:i|we) (?:think|guess|wonder)\b[^.]*\b(?:should|could|might|need)\b"
    r"|i wonder|another (?:thought|idea|way|approach|thing|method|possib)|instead of|alternatively"
    r"|(?:the|my) (?:goal|next step|first step|idea|plan|key)|to (?:find|solve|do|get|determine|figure|be"
    r"|make)\b"
    r"|going back|back to\b)"
)
_GOAL_WORDS = ("need", "want", "trying", "supposed", "goal", "aim", "task")
_DOUBTS = re.compile(
    r"\bnot (?:entirely |quite |too )?sure|confus|\bi(?:'m| am) (?:over|mis|stuck|mixing|not (?:sure"
    r"|certain))"
    r"|\b(?:maybe|perhaps|think|must have) i(?:'m| am|'ve| have)? (?:made|mis|over|not\b|forgot|messed"
    r"|missed|had)"
    r"|which (?:one )?is (?:correct|right)\?|\bmistake|discrepan|that (?:can't|cannot) be|n't (?:seem"
    r"|make|match)"
    r"|\bwrong\b|\bincorrect|complicat|\btricky|\bmessy|not (?:be )?(?:straightforward|helpful)"
)
_OWN_WORDS = ("since ", "because ", "let ", "let's denote", "let me denote", "let's call", "let me call")
_SHORT_VERDICT = 30  # characters
_VERDICT = re.compile(r"(?:so )?(?:yes|yep|yeah|no|correct|right|exactly|good|okay|perfect|great|hm+|wait)\b")
_WORKS = re.compile(r"[=≈≠<>≤≥]|\\(?:[lg]eq?|frac|cdot|times)\b|\d ?[*/+×·^] ?\d")
_DOUBTING_WORDS = (
    *(
        "not sure",
        "not entirely",
        "not quite",
        "not too",
        "not certain",
        "confus",
        "i'm ",
        "i am ",
        "maybe i",
    ),
    *("perhaps i", "think i", "must have i", "correct?", "is right?", "mistake", "discrepan", "that can"),
    *("n't seem", "n't make", "n't match", "wrong", "incorrect", "complicat", "tricky", "messy"),
    *("not straight", "not be straight", "not helpful", "not be helpful"),
)
"""Each match of _DOUBTS has one of these."""


def most(text: StepText, pattern: re.Pattern[str]) -> bool:
    """Whether a pattern is found in the sentences that make up most of a text."""
    found = sum(len(sentence) for sentence in text.sentences if pattern.search(sentence))
    return found >= _MOST * sum(map(len, text.sentences))


class Talk:
    """How much of a step only talks, found out where it is asked for."""

    def __init__(self, text: StepText, asked: Set[str]) -> None:
        self._text = text
        self._asked = asked
        self._reading = [pattern for stems, pattern in _READS if any(map(text.lower.__contains__, stems))]

    @cached_property
    def reads(self) -> bool:
        """Whether most of it re-reads the problem."""
        if not self._reading and not any(map(self._text.lower.__contains__, _GOAL_WORDS)):
            return False
        return self._shares.reads > _MOST * self._shares.total and not self._shares.ends_in_work

    @property
    def most(self) -> bool:
        """Whether most of it re-reads, plans, asks or doubts."""
        return self._shares.talks + self._shares.lead > _MOST * self._shares.total

    @property
    def plans(self) -> bool:
        """Whether it ends with a plan or question, which makes up most of it."""
        return self._shares.lead > _MOST * self._shares.total

    @cached_property
    def _shares(self) -> "_Shares":
        reads = talks = total = 0
        works = False
        lead = 0
        may_doubt = any(map(self._text.lower.__contains__, _DOUBTING_WORDS))
        for sentence in self._text.sentences:
            size = len(sentence)
            total += size
            works = False
            if self._reading and self._reads(sentence):
                reads, talks, lead = reads + size, talks + size + lead, 0
            elif _WORKS.search(sentence):
                total, lead, works = total - lead, 0, True
            elif sentence.endswith("?") or (": " not in sentence and _PLANS.match(sentence)):
                if self._aims_at_question(sentence):
                    reads, talks, lead = reads + size, talks + size + lead, 0
                else:
                    lead += size
            elif (size < _SHORT_VERDICT and _VERDICT.match(sentence)) or (
                may_doubt and _DOUBTS.search(sentence)
            ):
                talks, lead = talks + size + lead, 0
            else:
                total, lead = total - lead, 0
        return _Shares(reads, talks, total, lead, works)

    def _reads(self, sentence: str) -> bool:
        return not sentence.startswith(_OWN_WORDS) and any(
            pattern.search(sentence) for pattern in self._reading
        )

    def _aims_at_question(self, sentence: str) -> bool:
        if not any(map(sentence.__contains__, _GOAL_WORDS)):
            return False
        used = words(sentence)
        return len(used & self._asked) >= _ASKED * len(used)


class _Shares(NamedTuple):
    """Characters of the sentences of each kind."""

    reads: int
    talks: int
    total: int
    lead: int
    """Of a plan or question that nothing follows; one before work belongs to the work."""
    ends_in_work: bool
