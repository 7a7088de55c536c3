"""Tell the sentences of a step that work on the mathematics from those that only talk about it.

A sentence that re-reads the problem, plans, asks or doubts names triangles and ways as one does that derives
something about them. So a field of mathematics names a step only where most of its sentences work.
"""

import re
from collections.abc import Set

from drp.teacher.heuristic.label_conditions import INTERJECTIONS, StepText
from drp.traces import words

_MOST = 0.5  # share of a step's characters
_ASKED = 0.7  # share of a sentence's words that the question has
_SENTENCE = re.compile(r"(?<=[.?!:])[\s\"”')*]+|\n+")
_TASK = r"(?:problem|question|exercise|puzzle|statement|wording|phrase|phrasing)"
_SAYS = (
    r"(?:says?|said|saying|asks?|asked|asking|states?|stated|wants?|gives|mention\w*|specif\w+"
    r"|tells?|clarif\w+|defin\w+|mean[ts]?|intend\w*|expect\w*|refers?|require[sd]?|presented)"
)
_BETWEEN = (
    r"(?:,? (?:statement|itself|here|just|only|also|clearly|specifically|explicitly|already|probably|is|was|it"
    r"|did|does|doesn't|does not|didn't|might|may|could))*"
)
_READS = re.compile(
    rf"(?<!since the )(?<!because the )\b{_TASK}{_BETWEEN} {_SAYS}\b|\bin the (?:problem|question)\b|\b{_TASK} (?:statement\b|is (?:to|for|just|whether)\b)"
    rf"|\b(?:i|we)(?:'m|'re| am| are| have been|'ve been) (?:given|told|asked)\b"
    rf"|\bit (?:just |only |also |specifically )?(?:says|asks|states|specifies|doesn't (?:say|specify|state|mention))\b"
    r"|\bas (?:given|stated) in\b|\b(?:is|are|was) (?:already )?given(?: (?:as|in|that|to be)\b|\.)"
    r"|\bre-?read\b|\bread (?:it|that|the)\b"
    r"|\A[^a-z]*(?:\w+ )?interpretation:"
)
_PLANS = re.compile(
    rf"{INTERJECTIONS}(?:(?:maybe|perhaps),? (?:it's |it is |there's |(?:i|we)(?:'ll)? "
    r"(?:can|could|should|need|have|might)|by|using|a|another)"
    r"|let(?:'s| me| us)\b(?! (?:denote|call|define|assume|suppose|say|be)\b)"
    r"|(?:i|we)(?:'ll|'d)? ?(?:just |also |now |then |first |still |only )?(?:need|have|want) to\b"
    r"|(?:i|we) (?:should|could|might|must)\b|(?:i|we)(?:'ll| will| am going to|'m going to)\b"
    r"|(?:i|we) can (?:also |then |just |now |try to )?(?:use|try|think|start|consider|approach|look|break|proceed|do)\b"
    r"|(?:i|we) (?:think|guess|wonder)\b[^.]*\b(?:should|could|might|need)\b"
    r"|i wonder|another (?:thought|idea|way|approach|thing|method|possib)|instead of|alternatively"
    r"|(?:the|my) (?:goal|next step|first step|idea|plan|key)|to (?:find|solve|do|get|determine|figure|be|make)\b"
    r"|going back|back to\b)"
)
_GOAL = re.compile(r"\b(?:need|want|have|trying|supposed|goal|aim|task)\b")
_DOUBTS = re.compile(
    r"\bnot (?:entirely |quite |too )?sure|confus|\bi(?:'m| am) (?:over|mis|stuck|mixing|not (?:sure|certain))"
    r"|\b(?:maybe|perhaps|think|must have) i(?:'m| am|'ve| have)? (?:made|mis|over|not\b|forgot|messed|missed|had)"
    r"|which (?:one )?is (?:correct|right)\?|\bmistake|discrepan|that (?:can't|cannot) be|n't (?:seem|make|match)"
    r"|\bwrong\b|\bincorrect|complicat|\btricky|\bmessy|not (?:be )?(?:straightforward|helpful)"
)
_SHORT_VERDICT = 30  # characters
_VERDICT = re.compile(r"(?:so )?(?:yes|yep|yeah|no|correct|right|exactly|good|okay|perfect|great|hm+|wait)\b")
_WORKS = re.compile(r"[=≈≠<>≤≥]|\\(?:[lg]eq?|frac|cdot|times)\b|\d ?[*/+×·^] ?\d")


def most(text: StepText, pattern: re.Pattern[str]) -> bool:
    """Whether a pattern is found in the sentences that make up most of a text."""
    sentences = _SENTENCE.split(text.lower)
    return sum(len(s) for s in sentences if pattern.search(s)) >= _MOST * sum(map(len, sentences))


class Talk:
    """How much of a step only talks.

    Attributes:
        reads: whether most of it re-reads the problem.
        most: whether most of it re-reads, plans, asks or doubts.
        plans: whether it ends with a plan or question, which makes up most of it.
    """

    def __init__(self, text: StepText, asked: Set[str]) -> None:
        reads = talks = total = 0
        works = False  # the last sentence
        lead = 0  # characters of a plan or question, which belongs to the work that follows it
        for sentence in _SENTENCE.split(text.lower):
            size = len(sentence)
            total += size
            works = False
            if _READS.search(sentence):
                reads, talks, lead = reads + size, talks + size + lead, 0
            elif _WORKS.search(sentence):
                total, lead, works = total - lead, 0, True
            elif sentence.endswith("?") or _PLANS.match(sentence):
                if _GOAL.search(sentence) and len((used := words(sentence)) & asked) >= _ASKED * len(used):
                    reads, talks, lead = reads + size, talks + size + lead, 0
                else:
                    lead += size
            elif size < _SHORT_VERDICT and _VERDICT.match(sentence):
                talks, lead = talks + size + lead, 0
            elif _DOUBTS.search(sentence):
                talks, lead = talks + size + lead, 0
            else:
                total, lead = total - lead, 0
        self.reads = reads > _MOST * total and not works
        self.plans = lead > _MOST * total
        self.most = talks + lead > _MOST * total
