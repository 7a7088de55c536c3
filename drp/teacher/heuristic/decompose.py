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
from typing import Any, NamedTuple

from drp.config import DecompositionKind
from drp.core import Step, StudentTrace
from drp.teacher.heuristic import discourse, formulas
from drp.teacher.heuristic.label_conditions import StepText
from drp.teacher.heuristic.labels import label
from drp.teacher.heuristic.openers import Function
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
_NEXT_VERDICT = 5  # sentences from one verdict of a check to the next at most
_NEXT_PART = 3  # sentences of a further part of a check, its verdict included
_UNCONFIRMED = 4  # sentences of a check without a verdict at most
_OF_LEAD_IN = 0.4  # share of a plan's evidence that counts where it only leads to the next sentence
_MENTIONED = 0.5  # share of the evidence for other skills that counts in a conclusion or about the question
_FORMULA = 1.0  # evidence for algebra from which on a text has a formula with letters
_ROLE = 1.6  # weight of what an equation is for
_CARRIED = 2.0  # weight of a heading's skill in the members of its list
_NEW = ("sharp", "ordinal")  # turns after which nothing is restated
_DISPLAYS = ("\\]", "$$", "}")
_SHORT_RESULT = 50  # characters
_SHORT_VERDICT = 80  # characters; a longer sentence does not only confirm
_LONG = 4  # sentences after which a new paragraph begins a new step in any case
_RESTATED = 0.75  # share of words from the question that makes a sentence a restatement
_RESTATED_WORDS = 3  # fewer words are too few to tell
_RESTATED_WEIGHT = 2.4
_QUANTITY_WORDS = 8  # a longer restatement tells more than a quantity
_RESTATED_WITHIN = 12  # sentences at the beginning of a trace that may restate the question


_MENTIONING = (discourse.CONCLUDES, discourse.ASKS, discourse.READS)
_Evidence = tuple[_Scores, float]
"""The scores of a sentence, and the cost of a change of skill before it."""
_Stretch = tuple[int, Any]
"""The first sentence of a stretch, and the stretch before it or None.

Plain tuples: named ones would make the search twice as slow.
"""


def decompose(trace: StudentTrace, kind: DecompositionKind) -> list[Step]:
    """Return the steps of `thinking`; none for empty thinking.

    A step is, by `kind`: `skill`: a stretch of sentences that exercise one skill; `step`: a paragraph;
    `sentence`: a sentence or line; `none`: the whole trace. Its label is the skill that its text shows
    (labels.py), or the label of the step before where it says nothing.
    """
    if not trace.thinking:
        return []
    ends = cut(trace.thinking)
    sentences = _sentences(trace, ends)
    evidence = _evidence(trace, sentences)
    lowers = [sentence.lower for sentence in sentences]
    asked = words(trace.question.lower())
    steps: list[Step] = []
    skill = UNLABELLED
    start = first = 0
    for last in _stretches(evidence) if kind == "skill" else _grouped(ends, kind):
        end = ends[last][0]
        scores, shares = _together(evidence, ends, first, last)
        text = StepText(trace.thinking[start:end].lower(), lowers[first : last + 1])
        skill = label(text, scores, shares, asked, skill if first else None) or skill
        steps.append(Step(start, end, skill.name, skill.family))
        start, first = end, last + 1
    return steps


def _together(
    evidence: Sequence[_Evidence], ends: Sequence[tuple[int, int]], first: int, last: int
) -> tuple[_Scores, dict[Skill, int]]:
    """Return the evidence of some sentences together, and the characters of those with each first skill."""
    total: _Scores = {}
    shares: dict[Skill, int] = {}
    start = ends[first - 1][0] if first else 0
    for index in range(first, last + 1):
        scores = evidence[index][0]
        end = ends[index][0]
        if foremost := strongest(scores):
            shares[foremost] = shares.get(foremost, 0) + end - start
        for skill, score in scores.items():
            total[skill] = total.get(skill, 0.0) + score
        start = end
    return total, shares


def _grouped(ends: Sequence[tuple[int, int]], kind: DecompositionKind) -> Iterator[int]:
    """Yield the last sentence of each step that `kind` cuts."""
    final = len(ends) - 1
    for index, (_, paragraph) in enumerate(ends):
        ends_paragraph = index == final or ends[index + 1][1] != paragraph
        if index == final or kind == "sentence" or (kind == "step" and ends_paragraph):
            yield index


def _stretches(evidence: Sequence[_Evidence]) -> list[int]:
    """Return the last sentence of each stretch, in order.

    `opened` has, for each skill with evidence in the stretch that is open, the best total so far;
    `unlabelled` stands for every other skill.
    """
    unlabelled: tuple[float, _Stretch] = (0.0, (0, None))
    opened: dict[Skill, tuple[float, _Stretch]] = {}
    for index, (scores, cost) in enumerate(evidence):
        if index and cost != _NEVER:
            total, best = max(opened.values(), default=unlabelled, key=_total)
            if cost == _ALWAYS:
                unlabelled = (total, (index, best))
                opened = {}
            elif total - cost > unlabelled[0]:
                least = total - cost
                unlabelled = (least, (index, best))
                opened = {skill: stretch for skill, stretch in opened.items() if stretch[0] > least}
        for skill, score in scores.items():
            total, stretch = opened.get(skill) or unlabelled
            opened[skill] = (total + score, stretch)
    chain: _Stretch | None = max(opened.values(), default=unlabelled, key=_total)[1]
    lasts: list[int] = []
    last = len(evidence) - 1
    while chain:
        lasts.append(last)
        first, chain = chain
        last = first - 1
    return lasts[::-1]


_total = itemgetter(0)


class _Sentence(NamedTuple):
    lower: str
    paragraph: int
    scores: _Scores
    function: Function | None
    turn: str | None
    goes_on: bool
    """Whether its first letter is small."""


def _sentences(trace: StudentTrace, ends: Sequence[tuple[int, int]]) -> list[_Sentence]:
    """Return what each sentence says by itself, and what its equations are for."""
    sentences: list[_Sentence] = []
    start = 0
    known: set[str] = set()  # letters of the equations so far
    asked = formulas.numbers(trace.question)
    for index, (end, paragraph) in enumerate(ends):
        text = trace.thinking[start:end].strip()
        lower = text.lower()
        scores = {} if discourse.is_bare(lower) else skill_scores(lower)
        if skills.ALGEBRA in scores and "=" in lower:
            letters = formulas.names(lower)
            if scores[skills.ALGEBRA] >= _FORMULA and (role := formulas.role(lower, letters, known, asked)):
                scores[role] = max(_ROLE, scores.get(role, 0.0))
            known |= letters
        function = discourse.function(lower, index, scores) or (None if index else discourse.BEGINS)
        sentences.append(
            _Sentence(lower, paragraph, scores, function, discourse.turn(lower), text[:1].islower())
        )
        start = end
    return sentences


def _frames(sentences: Sequence[_Sentence]) -> list[Skill | None]:
    """Return the skill of the check or recapitulation that each sentence is inside of, if any."""
    frames: list[Skill | None] = [None] * len(sentences)
    index = 0
    while index < len(sentences):
        function = sentences[index].function
        last = index
        if function and function.is_frame:
            last = _frame_end(sentences, index)
            frames[index + 1 : last + 1] = [function.skill] * (last - index)
        index = last + 1
    return frames


def _frame_end(sentences: Sequence[_Sentence], first: int) -> int:
    """Return the last sentence of a check or recapitulation: its last verdict, if it has one."""
    last = verdict = first
    items = 0  # lines of lists, which do not count
    for index in range(first + 1, len(sentences)):
        sentence = sentences[index]
        function, turn = sentence.function, sentence.turn
        if turn == "item" and not function:
            items += 1
        elif index - items - verdict > (_CHECK_REACH if verdict == first else _NEXT_VERDICT):
            break
        if function is discourse.CONFIRMS:
            verdict, items = index, 0
        elif index == first + 1 and discourse.is_lead_in(sentences[first].lower):
            pass
        elif (turn == "sharp" and not _confirmed_soon(sentences, index)) or (
            function and function.skill not in discourse.IN_CHECKS
        ):
            break
        last = index
    return verdict if verdict > first else min(last, first + _UNCONFIRMED + items)


def _confirmed_soon(sentences: Sequence[_Sentence], index: int) -> bool:
    """Whether a part of a check begins: "Now, x = 3: … Correct as well."."""
    soon = sentences[index : index + _NEXT_PART]
    return not sentences[index].function and any(after.function is discourse.CONFIRMS for after in soon)


def _evidence(trace: StudentTrace, sentences: Sequence[_Sentence]) -> list[_Evidence]:
    """Return the evidence of each sentence."""
    evidence: list[_Evidence] = []
    asked = words(trace.question.lower())
    since_turn = paragraph_before = 0
    before = ""
    shape_before: str | None = None
    carried: Skill | None = None  # of the heading of a list
    leads = True  # the sentence before leads to this one
    for index, (sentence, frame) in enumerate(zip(sentences, _frames(sentences), strict=True)):
        lower, paragraph, scores, function, turn, _ = sentence
        if frame and function and function.skill in discourse.IN_CHECKS:
            function = None
        shape = discourse.shape(lower)
        is_lead_in = discourse.is_lead_in(lower)
        is_question = discourse.asks(lower)
        if (
            function is discourse.CONCLUDES
            and len(lower) < _SHORT_RESULT
            and discourse.computes(before)
            and not frame
        ):
            function, scores, leads = None, {}, True  # the last words of a computation
        if function:
            if function in _MENTIONING:
                scores = {skill: _MENTIONED * score for skill, score in scores.items()}
            scores[function.skill] = max(function.weight, scores.get(function.skill, 0.0))
            if function.skill in discourse.PLANNING and (is_lead_in or is_question):
                scores = {skill: _OF_LEAD_IN * score for skill, score in scores.items()}
        elif index < _RESTATED_WITHIN and turn not in _NEW and (restated := _restated(lower, asked)):
            scores[skills.READING] = _RESTATED_WEIGHT * _RESTATED
            scores[restated] = _RESTATED_WEIGHT
        elif carried:
            scores[carried] = _CARRIED
        if frame:
            scores = {skill: _IN_CHECK * score for skill, score in scores.items()}
            scores[frame] = _CHECK_WEIGHT
        is_new_paragraph = paragraph != paragraph_before
        if leads or discourse.attaches(lower) or (sentence.goes_on and before.endswith(_DISPLAYS)):
            cost = _NEVER
        elif function is discourse.CONFIRMS and len(lower) < _SHORT_VERDICT:
            cost = _AT_FUNCTION if is_new_paragraph else _NEVER
        elif not function and shape and shape == shape_before:
            cost = _NEVER
        elif (turn == "sharp" or (turn == "ordinal" and not frame)) and since_turn:
            cost = _ALWAYS
        elif turn == "item":
            cost = _AT_FUNCTION
        elif turn or is_lead_in or is_question:
            cost = _AT_MILD_TURN
        elif is_new_paragraph:
            cost = _ALWAYS if since_turn >= _LONG else _AT_PARAGRAPH
        else:
            cost = _AT_FUNCTION if function and function is not discourse.CONCLUDES else _INSIDE
        since_turn = 0 if cost == _ALWAYS else since_turn + 1
        evidence.append((scores, cost))
        is_goal = function in (discourse.ASKS, discourse.BEGINS)
        leads = is_question or (is_lead_in and not is_goal) or discourse.announces(lower)
        carried = discourse.carried(lower, function) or (
            carried if not function and shape in discourse.MEMBERS else None
        )
        before, shape_before, paragraph_before = lower, shape, paragraph
    return evidence


def _restated(lower: str, asked: set[str]) -> Skill | None:
    """Return how a sentence restates the question, or None if it says something else."""
    used = words(lower)
    if len(used) < _RESTATED_WORDS or len(used & asked) < _RESTATED * len(used):
        return None
    is_quantity = len(used) <= _QUANTITY_WORDS and any(map(str.isdigit, lower))
    return skills.QUANTITY if is_quantity else skills.READING
