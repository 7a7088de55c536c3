"""Cut a trace into steps that cover it from first to last character.

A skill step is a stretch of neighbouring sentences that exercise one skill (paper, section 3.1). Each sentence
gives evidence for skills; the stretches are those with the largest sum of evidence for their labels, less a cost
for every change of skill. A change costs little where a writer makes a new start and more inside a paragraph.
The search is Viterbi's algorithm with one cost for all changes at a place, linear in the length of the text.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from drp.config import DecompositionKind
from drp.core import Step, StudentTrace
from drp.teacher.heuristic import discourse
from drp.traces import UNLABELLED, Skill, cut, skill_scores, skills, strongest, words

_Scores = dict[Skill, float]

_AT_PARAGRAPH = 0.7  # cost of a change of skill between paragraphs
_AT_MILD_TURN = 0.5
_AT_FUNCTION = 1.2  # inside a paragraph, where a sentence says what it does
_INSIDE = 2.2
_NEVER = math.inf
_ALWAYS = -1.0  # a step begins even if the skill stays

_CHECK_REACH = 6  # sentences after the announcement of a check that belong to it at most
_CHECK_WEIGHT = 1.5
_IN_CHECK = 0.4  # share of the evidence for other skills that counts in a check
_LONG = 6  # sentences after which a new paragraph begins a new step in any case
_RESTATED = 0.75  # share of words from the question that makes a sentence a restatement
_RESTATED_WORDS = 3  # fewer words are too few to tell
_RESTATED_WEIGHT = 3.0
_QUANTITY_WORDS = 8  # a longer restatement tells more than a quantity
_RESTATED_WITHIN = 12  # sentences at the beginning of a trace that may restate the question


class _Sentence(NamedTuple):
    """A unit of the trace [start, end): its evidence, and what a change of skill before it costs."""

    start: int
    end: int
    paragraph: int
    scores: _Scores
    cost: float


class _Stretch(NamedTuple):
    """A stretch that begins at a sentence, and the one before it; the skill is None without evidence."""

    first: int
    skill: Skill | None
    before: "_Stretch | None"


def decompose(trace: StudentTrace, kind: DecompositionKind) -> list[Step]:
    """Return the steps of `thinking`; none for empty thinking.

    A step is, by `kind`: `skill`: a stretch of sentences that exercise one skill; `step`: a paragraph;
    `sentence`: a sentence or line; `none`: the whole trace. Its label is the skill with the most evidence, or
    the label of the step before where there is no evidence.
    """
    if not trace.thinking:
        return []
    sentences = _sentences(trace)
    steps: list[Step] = []
    label = UNLABELLED
    for first, last, skill in _spans(sentences, kind):
        label = skill or label
        steps.append(Step(sentences[first].start, sentences[last].end, label.name, label.family))
    return steps


def _spans(
    sentences: Sequence[_Sentence], kind: DecompositionKind
) -> Iterator[tuple[int, int, Skill | None]]:
    """Yield first and last sentence of each step, and its skill."""
    if kind == "skill":
        starts = _stretches(sentences)
        for index, (first, skill) in enumerate(starts):
            yield first, (starts[index + 1][0] if index + 1 < len(starts) else len(sentences)) - 1, skill
        return
    first = 0
    total: _Scores = {}
    for index, sentence in enumerate(sentences):
        for skill, score in sentence.scores.items():
            total[skill] = total.get(skill, 0.0) + score
        is_last = index + 1 == len(sentences)
        if (
            is_last
            or kind == "sentence"
            or (kind == "step" and sentences[index + 1].paragraph != sentence.paragraph)
        ):
            yield first, index, strongest(total)
            first, total = index + 1, {}


def _stretches(sentences: Sequence[_Sentence]) -> list[tuple[int, Skill | None]]:
    """Return the first sentence and the skill of each stretch, in order.

    `open_stretches` has, for each skill with evidence in the stretch that is open, the best total so far;
    `unlabelled` stands for every other skill.
    """
    unlabelled: tuple[float, _Stretch] = (0.0, _Stretch(0, None, None))
    open_stretches: dict[Skill, tuple[float, _Stretch]] = {}
    for index, (*_, scores, cost) in enumerate(sentences):
        if index and cost != _NEVER:
            total, best = max(open_stretches.values(), default=unlabelled, key=_total)
            renewed = (total - max(cost, 0.0), _Stretch(index, None, best))
            if cost == _ALWAYS or renewed[0] > unlabelled[0]:
                unlabelled = renewed
            open_stretches = (
                {skill: stretch for skill, stretch in open_stretches.items() if stretch[0] > unlabelled[0]}
                if cost != _ALWAYS
                else {}
            )
        for skill, score in scores.items():
            total, stretch = open_stretches.get(skill) or unlabelled
            if stretch.skill is None:
                stretch = _Stretch(stretch.first, skill, stretch.before)
            open_stretches[skill] = (total + score, stretch)
    chain: _Stretch | None = max(open_stretches.values(), default=unlabelled, key=_total)[1]
    stretches = []
    while chain:
        stretches.append((chain.first, chain.skill))
        chain = chain.before
    return stretches[::-1]


def _total(stretch: tuple[float, _Stretch]) -> float:
    return stretch[0]


def _sentences(trace: StudentTrace) -> list[_Sentence]:
    """Return the units of a trace with their evidence."""
    sentences: list[_Sentence] = []
    start = reach = since_turn = paragraph_before = 0
    leads = True  # the unit before leads to this one
    asked = words(trace.question.lower())
    for index, (end, paragraph) in enumerate(cut(trace.thinking)):
        lower = trace.thinking[start:end].strip().lower()
        scores = skill_scores(lower)
        function = discourse.function(lower, index)
        turn = discourse.turns(lower)
        if function:
            skill, weight = function
            if skill is skills.CHECKING:
                reach = _CHECK_REACH if weight > _CHECK_WEIGHT else 0
            elif skill is not skills.SUBGOAL:
                reach = 0
            scores[skill] = max(weight, scores.get(skill, 0.0))
        elif index < _RESTATED_WITHIN and (restated := _restated(lower, asked)):
            scores[restated] = _RESTATED_WEIGHT
        elif turn:
            reach = 0
        elif reach:
            reach -= 1
            scores = {skill: _IN_CHECK * score for skill, score in scores.items()}
            scores[skills.CHECKING] = _CHECK_WEIGHT
        is_new_paragraph = paragraph != paragraph_before
        if leads or discourse.attaches(lower):
            cost = _NEVER
        elif turn and since_turn > 0:
            cost = _ALWAYS
        elif turn or discourse.turns_mildly(lower):
            cost = _AT_MILD_TURN
        elif is_new_paragraph:
            cost = _ALWAYS if since_turn >= _LONG else _AT_PARAGRAPH
        else:
            cost = _AT_FUNCTION if function else _INSIDE
        since_turn = 0 if cost == _ALWAYS else since_turn + 1
        sentences.append(_Sentence(start, end, paragraph, scores, cost))
        leads = discourse.announces(lower)
        start, paragraph_before = end, paragraph
    return sentences


def _restated(lower: str, asked: set[str]) -> Skill | None:
    """Return how a sentence restates the question, or None: it has words of its own."""
    used = words(lower)
    if len(used) < _RESTATED_WORDS or len(used & asked) < _RESTATED * len(used):
        return None
    is_quantity = len(used) <= _QUANTITY_WORDS and any(map(str.isdigit, lower))
    return skills.QUANTITY if is_quantity else skills.READING
