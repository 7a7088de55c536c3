"""Cut a trace into steps that cover it from first to last character.

A skill step is a stretch of neighbouring sentences that exercise one skill (paper, section 3.1). Each
sentence gives evidence for skills. The stretches are those with the largest sum of evidence for their labels,
less a cost for every change of skill, which is small where a writer makes a new start and larger inside a
paragraph. The search is Viterbi's algorithm with one cost for all changes at a place, linear in the length of
the text.
"""

import math
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any

from drp.config import DecompositionKind
from drp.core import Step, StudentTrace
from drp.teacher.heuristic import discourse
from drp.traces import UNLABELLED, Skill, cut, skill_scores, skills, strongest, words

_Scores = dict[Skill, float]

_AT_PARAGRAPH = 0.5  # cost of a change of skill between paragraphs
_AT_MILD_TURN = 0.5
_AT_FUNCTION = 1.0  # inside a paragraph, where a sentence says what it does
_INSIDE = 1.4
_NEVER = math.inf
_ALWAYS = -1.0  # a step begins even if the skill stays

_CHECK_REACH = 8  # sentences after the announcement of a check that belong to it at most
_CHECK_WEIGHT = 1.5
_IN_CHECK = 0.4  # share of the evidence for other skills that counts in a check
_SHORT_VERDICT = 80  # characters; a longer sentence does not only confirm
_LONG = 4  # sentences after which a new paragraph begins a new step in any case
_RESTATED = 0.75  # share of words from the question that makes a sentence a restatement
_RESTATED_WORDS = 3  # fewer words are too few to tell
_RESTATED_WEIGHT = 2.0
_QUANTITY_WORDS = 8  # a longer restatement tells more than a quantity
_RESTATED_WITHIN = 12  # sentences at the beginning of a trace that may restate the question


_Evidence = tuple[_Scores, float]
"""The scores of a sentence, and the cost of a change of skill before it."""
_Stretch = tuple[int, Skill | None, Any]
"""The first sentence of a stretch, its skill (None without evidence), and the stretch before it or None.

Plain tuples: named ones would make the search twice as slow.
"""


def decompose(trace: StudentTrace, kind: DecompositionKind) -> list[Step]:
    """Return the steps of `thinking`; none for empty thinking.

    A step is, by `kind`: `skill`: a stretch of sentences that exercise one skill; `step`: a paragraph;
    `sentence`: a sentence or line; `none`: the whole trace. Its label is the skill with the most evidence, or
    the label of the step before where there is no evidence.
    """
    if not trace.thinking:
        return []
    ends = cut(trace.thinking)
    evidence = _evidence(trace, ends)
    steps: list[Step] = []
    label = UNLABELLED
    start = 0
    for last, skill in _stretches(evidence) if kind == "skill" else _grouped(evidence, ends, kind):
        label = skill or label
        end = ends[last][0]
        steps.append(Step(start, end, label.name, label.family))
        start = end
    return steps


def _grouped(
    evidence: Sequence[_Evidence], ends: Sequence[tuple[int, int]], kind: DecompositionKind
) -> Iterator[tuple[int, Skill | None]]:
    """Yield the last sentence of each step that `kind` cuts, and the skill with the most evidence in it."""
    total: _Scores = {}
    final = len(ends) - 1
    for index, (scores, _) in enumerate(evidence):
        for skill, score in scores.items():
            total[skill] = total.get(skill, 0.0) + score
        ends_paragraph = index == final or ends[index + 1][1] != ends[index][1]
        if index == final or kind == "sentence" or (kind == "step" and ends_paragraph):
            yield index, strongest(total)
            total = {}


def _stretches(evidence: Sequence[_Evidence]) -> list[tuple[int, Skill | None]]:
    """Return the last sentence and the skill of each stretch, in order.

    `opened` has, for each skill with evidence in the stretch that is open, the best total so far;
    `unlabelled` stands for every other skill.
    """
    unlabelled: tuple[float, _Stretch] = (0.0, (0, None, None))
    opened: dict[Skill, tuple[float, _Stretch]] = {}
    for index, (scores, cost) in enumerate(evidence):
        if index and cost != _NEVER:
            total, best = max(opened.values(), default=unlabelled, key=_total)
            if cost == _ALWAYS:
                unlabelled = (total, (index, None, best))
                opened = {}
            elif total - cost > unlabelled[0]:
                least = total - cost
                unlabelled = (least, (index, None, best))
                opened = {skill: stretch for skill, stretch in opened.items() if stretch[0] > least}
        for skill, score in scores.items():
            total, stretch = opened.get(skill) or unlabelled
            if stretch[1] is None:
                stretch = (stretch[0], skill, stretch[2])
            opened[skill] = (total + score, stretch)
    chain: _Stretch | None = max(opened.values(), default=unlabelled, key=_total)[1]
    stretches: list[tuple[int, Skill | None]] = []
    last = len(evidence) - 1
    while chain:
        first, label, chain = chain
        stretches.append((last, label))
        last = first - 1
    return stretches[::-1]


_total = itemgetter(0)


def _evidence(trace: StudentTrace, ends: Sequence[tuple[int, int]]) -> list[_Evidence]:
    """Return the evidence of each sentence."""
    evidence: list[_Evidence] = []
    start = reach = since_turn = paragraph_before = 0
    leads = True  # the sentence before leads to this one
    asked = words(trace.question.lower())
    for index, (end, paragraph) in enumerate(ends):
        lower = trace.thinking[start:end].strip().lower()
        scores = skill_scores(lower)
        function = discourse.function(lower, index, scores)
        turn = discourse.turn(lower)
        if reach and function and function.skill in discourse.IN_CHECKS:
            function = None
        if function:
            reach = _CHECK_REACH if function.begins_check else 0
            scores[function.skill] = max(function.weight, scores.get(function.skill, 0.0))
        elif index < _RESTATED_WITHIN and not turn and (restated := _restated(lower, asked)):
            scores[skills.READING] = _RESTATED_WEIGHT * _RESTATED
            scores[restated] = _RESTATED_WEIGHT
        elif turn == "sharp":
            reach = 0
        elif reach:
            reach -= 1
            scores = {skill: _IN_CHECK * score for skill, score in scores.items()}
            scores[skills.CHECKING] = _CHECK_WEIGHT
        is_new_paragraph = paragraph != paragraph_before
        if leads or discourse.attaches(lower):
            cost = _NEVER
        elif function is discourse.CONFIRMS and len(lower) < _SHORT_VERDICT:
            cost = _AT_FUNCTION if is_new_paragraph else _NEVER
        elif (turn == "sharp" or (turn == "ordinal" and not reach)) and since_turn:
            cost = _ALWAYS
        elif turn == "item":
            cost = _AT_FUNCTION
        elif turn:
            cost = _AT_MILD_TURN
        elif is_new_paragraph:
            cost = _ALWAYS if since_turn >= _LONG else _AT_PARAGRAPH
        else:
            cost = _AT_FUNCTION if function else _INSIDE
        since_turn = 0 if cost == _ALWAYS else since_turn + 1
        evidence.append((scores, cost))
        leads = discourse.announces(lower)
        start, paragraph_before = end, paragraph
    return evidence


def _restated(lower: str, asked: set[str]) -> Skill | None:
    """Return how a sentence restates the question, or None: it has words of its own."""
    used = words(lower)
    if len(used) < _RESTATED_WORDS or len(used & asked) < _RESTATED * len(used):
        return None
    is_quantity = len(used) <= _QUANTITY_WORDS and any(map(str.isdigit, lower))
    return skills.QUANTITY if is_quantity else skills.READING
