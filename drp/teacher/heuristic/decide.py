"""Which units carry the derivation, and why the others do not.

First every unit before the end is judged by what it says (signals) against what is known so far. Then needs are
followed: a kept unit that uses a value, or leans on the unit before it, brings back what introduces it. In
doubt a unit stays.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from drp.records import StudentTrace
from drp.teacher.heuristic import signals
from drp.teacher.heuristic.answer import Answer, find_end
from drp.teacher.heuristic.text import VALUE, Unit, equations, plain, words

Reason: TypeAlias = Literal[
    # kept
    "derivation",  # computes or argues something the answer rests on
    "definition",  # names a quantity
    "conclusion",  # states the student's answer
    "lead_in",  # announces the formula, list or case that follows
    "list_member",  # an item of a list of which most is kept
    "needed_later",  # brought back: a later kept unit uses its value or leans on it
    "unresolved",  # a turn back that could not be told from the derivation
    # shortened or merged
    "filler_removed",  # interjections and hedges taken out
    "part_removed",  # some sentences of the step taken out
    "merged_chain",  # equations that continue each other written as one chain
    "merged_lead_in",  # an announcement joined with what it announces
    "merged_setup",  # a set-up joined with its computation
    "merged_result",  # a computation joined with the result it states
    # deleted
    "after_answer",  # follows the end of the derivation
    "restated_question",  # says the question again
    "meta_talk",  # speaks of the work without doing any
    "verified_again",  # checks what is already there
    "alternative_method",  # another way to what is already known
    "abandoned_attempt",  # was taken back
    "turned_back",  # takes something back
    "self_question",  # asks without answering
    "doubt",  # weighs without deciding
    "unused_result",  # computes what nothing kept uses
    "repeated",  # says again what a kept unit says
    "dangling",  # leans on a deleted unit and adds nothing
    "separator",  # no content: rules, bare headings
]

_STRONG = re.compile(r"\d\d|[./]")  # a value that is hardly repeated by chance
_RESULT = re.compile(r"(?:=|≈|≡|\b(?:is|are|gives?|gets?|equals?|makes?|to|be|have|leaves|with|exactly|has))\s?\(?-?(\d+(?:\.\d+)?(?:/\d+)?)(?![\w(^*/+]|-\d|\.\d)")
_EXPRESSION = re.compile(r"[\d)]\s?[-+*/^]\s?[\d(√]")  # an operation between numbers
_SYMBOL = re.compile(r"(?<![\w'])[a-zA-Zα-ω](?:_?\d)?(?![\w'])")  # a variable
_RESTORABLE = frozenset({"restated_question", "meta_talk", "repeated", "dangling", "verified_again", "alternative_method", "self_question", "doubt", "separator"})
_REACH = 8  # units that a turn back may take with it
_LEAN = 160  # a longer unit stands on its own


@dataclass
class Verdict:
    """What is to become of one unit."""

    keep: bool
    reason: Reason


class Judge:
    """Decides on the units of one trace."""

    def __init__(self, trace: StudentTrace, units: Sequence[Unit]) -> None:
        question = plain(trace.question)
        self.answer = Answer(trace)
        self.units = units
        self.given = frozenset(VALUE.findall(question))
        self.given_equations = equations(question)
        self.question_words = frozenset(words(question.lower()))
        self.end = find_end(units, self.answer)

    def verdicts(self) -> list[Verdict]:
        """One verdict a unit; where the answer is never derived nothing counts as after it."""
        last = len(self.units) - 1 if self.end is None else self.end
        self.head = self.units[: last + 1]
        self.result = [Verdict(True, "derivation") for _ in self.head]
        if self.head:
            self._mark_abandoned()
            self._judge()
            self._follow_needs()
            self._settle_lists_and_lead_ins()
            if self.end is not None:
                self.result[-1] = Verdict(True, "conclusion")
        return self.result + [Verdict(False, "after_answer") for _ in self.units[last + 1 :]]

    # --- turning back

    def _mark_abandoned(self) -> None:
        """Delete what a turn back takes back: units just before it whose new values are never used again."""
        introduced: set[str] = set(self.given)
        new: list[set[str]] = []
        for unit in self.head:
            fresh = set(unit.values | unit.equations) - introduced
            introduced |= fresh
            new.append(fresh)
        self.introduced = new
        for index, unit in enumerate(self.head[:-1]):
            lower = unit.lower
            if not (signals.takes_back(lower) or signals.retracts(lower)):
                continue
            used: set[str] = set().union(*(later.values | later.equations for later in self.head[index + 1 :]))
            used |= self.answer.results
            taken = 0
            for before in range(index - 1, max(-1, index - _REACH), -1):
                earlier = self.head[before]
                strong = {value for value in new[before] if "=" in value or _STRONG.search(value)}
                if earlier.paragraph < unit.paragraph - 1 or signals.takes_back(earlier.lower) or strong & used:
                    break
                if not new[before] and earlier.paragraph != unit.paragraph:
                    break
                self.result[before] = Verdict(False, "abandoned_attempt")
                taken += 1
                if not strong and taken >= 3:
                    break
            if not (new[index] & used):
                self.result[index] = Verdict(False, "turned_back")
            elif signals.retracts(lower):
                self.result[index] = Verdict(True, "unresolved")

    # --- one unit at a time

    def _judge(self) -> None:
        used_later: list[set[str]] = [set() for _ in self.head]
        after: set[str] = set(self.answer.results)
        for unit in reversed(self.head):
            used_later[unit.index] = set(after)
            after |= unit.values | unit.equations
        self.used_later = used_later
        seen: set[str] = set(self.given | self.given_equations)
        said: list[tuple[frozenset[str], frozenset[str]]] = []
        aside: tuple[int, Reason] | None = None  # paragraph of a check or alternative that is under way
        for unit, verdict in zip(self.head, self.result, strict=True):
            if not verdict.keep:
                continue
            fresh = (unit.values | unit.equations) - seen
            reason = self._fault(unit, fresh, seen, said)
            if reason in {"verified_again", "alternative_method"}:
                aside = (unit.paragraph, reason)
            elif reason is None and aside and not fresh & used_later[unit.index] and not signals.VALIDITY.search(unit.lower):
                if aside[0] == unit.paragraph or (aside[0] == unit.paragraph - 1 and not self._goes_on(unit)):
                    reason, aside = aside[1], (unit.paragraph, aside[1])
            elif reason is None:
                aside = None
            if reason:
                self.result[unit.index] = Verdict(False, reason)
                continue
            if signals.DEFINITION.match(unit.lower, signals.opening(unit.lower)):
                verdict.reason = "definition"
            seen |= unit.values | unit.equations
            said.append((unit.vocabulary, unit.values))

    def _fault(self, unit: Unit, fresh: frozenset[str] | set[str], seen: set[str], said: list[tuple[frozenset[str], frozenset[str]]]) -> Reason | None:
        """Why a unit can go, or None."""
        lower = unit.lower
        body = unit.body
        if unit.index == len(self.head) - 1:
            return None
        if signals.DECORATION.match(body):
            return "separator"
        start = signals.opening(lower)
        own = lower[start:]
        useful = bool(fresh & self.used_later[unit.index])
        new_equation = any("=" in value for value in fresh)
        works = bool(_EXPRESSION.search(unit.plain)) or new_equation
        is_question = body.endswith("?") and not signals.TAG_QUESTION.search(lower)
        if signals.VALIDITY.search(lower) and not is_question and not signals.CHECK.search(lower):
            return None
        if signals.CHECK.search(lower) and not (useful and new_equation):
            return "verified_again"
        if signals.ALTERNATIVE.match(own) and not (useful and new_equation):
            return "alternative_method"
        if is_question and not (useful and new_equation):
            return "self_question"
        if signals.DEFINITION.match(own) and not is_question and (unit.plain != lower or _SYMBOL.search(unit.plain)) and not signals.META.match(own):
            return None if fresh or _SYMBOL.search(unit.plain) else "meta_talk"
        if self._restates(unit, fresh, works):
            return "restated_question"
        if unit.equations and unit.equations <= seen and not signals.CASE.search(lower) and not fresh:
            return "repeated"
        argues = signals.REASON.search(own) is not None and len(body) > 45
        if signals.DOUBT.search(lower) and not (useful and works) and not (argues and useful):
            return "doubt"
        if signals.META.match(own) and not works and not body.endswith(":") and not (useful and (argues or signals.OPERATION.search(own))) and not (argues and unit.values):
            return "meta_talk"
        if not unit.values and not unit.equations and len(body) < 45 and not argues and not body.endswith(":") and "\\" not in body and not _SYMBOL.search(own):
            return "meta_talk"
        if not fresh and not works and len(unit.vocabulary) >= 3 and any(
            len(unit.vocabulary & vocabulary) >= 0.8 * len(unit.vocabulary) and unit.values <= values for vocabulary, values in said
        ):
            return "repeated"
        return None

    def _goes_on(self, unit: Unit) -> bool:
        """Whether a paragraph after a check takes the derivation up again."""
        return signals.RESUMES.match(unit.lower) is not None or bool(self.introduced[unit.index] & self.used_later[unit.index])

    def _restates(self, unit: Unit, fresh: frozenset[str] | set[str], works: bool) -> bool:
        if works or any("=" in value for value in fresh):
            return False
        if signals.RESTATING.search(unit.lower) and not signals.OPERATION.search(unit.lower) and not fresh & self.used_later[unit.index]:
            return True
        vocabulary = unit.vocabulary
        early = unit.index < max(8, len(self.head) // 4)
        share = 0.6 if unit.index < 8 else 0.8
        return early and len(vocabulary) >= 2 and not fresh and len(vocabulary & self.question_words) >= share * len(vocabulary)

    # --- what kept units need

    def _follow_needs(self) -> None:
        needed: set[str] = set(self.answer.results)
        for index in range(len(self.head) - 1, 0, -1):
            if not self.result[index].keep:
                continue
            unit = self.head[index]
            if self._is_unused(unit, needed):
                self.result[index] = Verdict(False, "unused_result")
                continue
            needed |= unit.values | unit.equations
            self._restore_values(unit)
            before = self.head[index - 1]
            if (
                not self.result[index - 1].keep
                and before.paragraph == unit.paragraph
                and signals.DANGLING.match(unit.lower, signals.opening(unit.lower))
                and len(unit.body) < _LEAN
            ):
                if self.result[index - 1].reason in _RESTORABLE and not before.body.endswith("?") and (before.values or _SYMBOL.search(before.plain) or len(before.body) > 60):
                    self.result[index - 1] = Verdict(True, "needed_later")
                elif not (unit.values | unit.equations) & self.used_later[index] and index != len(self.head) - 1:
                    self.result[index] = Verdict(False, "dangling")

    def _is_unused(self, unit: Unit, needed: set[str]) -> bool:
        """Whether a unit only computes, and nothing kept after it uses what it computes."""
        if unit.index == len(self.head) - 1 or not _EXPRESSION.search(unit.plain) or "=" not in unit.plain:
            return False
        if self.introduced[unit.index] & needed or signals.ITEM.match(unit.text) or unit.body.endswith(":"):
            return False
        return not _SYMBOL.search(unit.plain) and not signals.REASON.search(unit.lower) and not signals.VALIDITY.search(unit.lower)

    def _restore_values(self, unit: Unit) -> None:
        found = set(_RESULT.findall(unit.plain)) if _EXPRESSION.search(unit.plain) else set()
        needs = {value for value in unit.values if _STRONG.search(value)} - self.given - found
        for earlier in range(unit.index - 1, -1, -1):
            if not needs:
                return
            if self.result[earlier].keep:
                needs -= self.head[earlier].values
        for earlier in range(unit.index - 1, -1, -1):
            if needs & self.head[earlier].values and self.result[earlier].reason in _RESTORABLE:
                needs -= self.head[earlier].values
                self.result[earlier] = Verdict(True, "needed_later")

    # --- lists and announcements

    def _settle_lists_and_lead_ins(self) -> None:
        items = [signals.ITEM.match(unit.text) is not None for unit in self.head]
        index = 0
        while index < len(items):
            stop = index
            while stop < len(items) and items[stop]:
                stop += 1
            kept = sum(verdict.keep for verdict in self.result[index:stop])
            if stop - index >= 2 and 2 * kept >= stop - index:
                for place in range(index, stop):
                    if not self.result[place].keep and self.result[place].reason in {"repeated", "meta_talk", "restated_question"}:
                        self.result[place] = Verdict(True, "list_member")
            index = max(stop, index + 1)
        for index in range(len(self.head) - 2, -1, -1):
            unit, verdict, following = self.head[index], self.result[index], self.result[index + 1]
            if not unit.body.endswith(":"):
                continue
            if verdict.keep and not following.keep:
                self.result[index] = Verdict(False, "dangling")
            elif verdict.keep and verdict.reason == "derivation":
                verdict.reason = "lead_in"
            elif following.keep and verdict.reason in {"meta_talk", "repeated", "restated_question"} and (items[index + 1] or self.head[index + 1].equations):
                self.result[index] = Verdict(True, "lead_in")


def judge(trace: StudentTrace, units: Sequence[Unit]) -> list[Verdict]:
    """One verdict for every unit of a trace."""
    return Judge(trace, units).verdicts()
