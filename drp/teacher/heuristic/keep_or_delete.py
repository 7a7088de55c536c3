"""Decide which units carry the derivation, and why the others do not.

First, every unit before the end is judged by its words (signals) and by what is known so far. Then needs are
followed: a kept unit restores the units that introduce its values, and the unit before it if it refers to it.
A unit stays if in doubt.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from drp.core import StudentTrace
from drp.grading.arithmetic import false_equations
from drp.teacher.heuristic import signals
from drp.teacher.heuristic.confirming_checks import confirmed
from drp.teacher.heuristic.decision_reasons import DecisionReason, UnitVerdict
from drp.teacher.heuristic.fill_gaps import keep_members
from drp.teacher.heuristic.find_answer import answer_of, find_closing, find_end
from drp.traces import STRONG, VALUE, Unit, equations, plain, words

_EXPRESSION = re.compile(r"[\d)]\s?[-+*/^]\s?[\d(√]")  # an operation between numbers
_SUM = re.compile(
    r"(\d(?<![\w.*/^+)-]\d)\d*(?:\.\d+)?[-+*/]\d+(?:\.\d+)?)=(\d+(?:\.\d+)?)(?![\w*/^+(=-]|\.\d)"
)  # 3*4=12
_SYMBOL = re.compile(r"(?<!\w)(?<!\w')[a-zA-Zα-ω](?:_?\d)?(?!\w|'\w)")  # a variable
_VARIABLE = re.compile(r"(?<![a-zA-Z'])[a-zA-Zα-ω](?![a-zA-Z'])")  # a variable, "2k" too
_RESTORABLE = frozenset(
    {
        *("restated_question", "meta_talk", "repeated", "dangling", "verified_again", "alternative_method"),
        *("self_question", "doubt", "separator"),
    }
)
_LINE = 80  # characters of a line in a table
_QUOTED = 6  # content words of a sentence that quotes the question
_REACH = 8  # most units that a turn back may remove
_LEAN = 160  # characters; a longer unit does not depend on the one before it
_Content = tuple[frozenset[str], frozenset[str]]  # vocabulary and values of a unit


class Judge:
    """Decides on the units of one trace."""

    def __init__(self, trace: StudentTrace, units: Sequence[Unit]) -> None:
        question = plain(trace.question)
        self.summary = plain(trace.response)
        self.answer = answer_of(trace)
        self.units = units
        self.given = frozenset(VALUE.findall(question))
        self.given_equations = equations(question)
        self.question_words = frozenset(words(question.lower()))
        self.end = find_end(units, self.answer)

    def verdicts(self) -> list[UnitVerdict]:
        """Return one verdict per unit; if the answer is never derived, no unit counts as after it."""
        last = len(self.units) - 1 if self.end is None else self.end
        self.head = self.units[: last + 1]
        self.result = [UnitVerdict(True, "derivation") for _ in self.head]
        self.last_use = {v: unit.index for unit in self.head for v in unit.marks}
        self.holders: dict[str, list[int]] = {}  # units by the strong values they have
        for unit in self.head:
            for value in unit.strong:
                self.holders.setdefault(value, []).append(unit.index)
        if self.head:
            self._mark_abandoned()
            self._judge()
            for check in confirmed(self.head, self.result, self.given, self.answer.stated):
                for index in check:
                    self.result[index] = UnitVerdict(False, "verified_again")
            self._restore_derivation()
            self._follow_needs()
            self._complete_lists_and_lead_ins()
            if self.end is not None:
                self.result[-1] = UnitVerdict(True, "conclusion")
        verdicts = self.result + [UnitVerdict(False, "after_answer") for _ in self.units[last + 1 :]]
        if self.end is not None and (closing := find_closing(self.units, self.end, self.answer)) is not None:
            verdicts[closing] = UnitVerdict(True, "closing")
        return verdicts

    def _used_after(self, values: Iterable[str], index: int) -> bool:
        """Whether a unit after `index`, or the student's summary, has one of these values or equations."""
        if not self.answer.stated.isdisjoint(values):
            return True
        last_use = self.last_use
        for value in values:  # noqa: SIM110 - a generator costs more than the look-ups
            if last_use.get(value, -1) > index:
                return True
        return False

    # --- turning back

    def _mark_abandoned(self) -> None:
        """Delete what a turn back retracts: units just before it whose new values are never used again."""
        introduced: set[str] = set(self.given)
        new_marks: list[frozenset[str]] = []
        for unit in self.head:
            fresh = unit.marks - introduced
            introduced |= fresh
            new_marks.append(fresh)
        self.introduced = new_marks
        self._mark_corrected()
        for index, unit in enumerate(self.head[:-1]):
            lower = unit.lower
            if not (signals.takes_back(lower) or signals.retracts(lower)):
                continue
            for distance, before in enumerate(range(index - 1, max(-1, index - _REACH), -1), start=1):
                earlier = self.head[before]
                strong = {value for value in new_marks[before] if "=" in value or STRONG.search(value)}
                if (
                    earlier.paragraph < unit.paragraph - 1
                    or signals.takes_back(earlier.lower)
                    or self._used_after(strong, index)
                ):
                    break
                if not new_marks[before] and (earlier.paragraph != unit.paragraph or distance > 1):
                    break
                self.result[before] = UnitVerdict(False, "abandoned_attempt")
                if not strong and distance >= 3:
                    break
            if not self._used_after(new_marks[index], index):
                self.result[index] = UnitVerdict(False, "turned_back")
            elif signals.retracts(lower):
                self.result[index] = UnitVerdict(True, "unresolved")

    def _mark_corrected(self) -> None:
        """Delete a computation that is wrong, and one that a later unit repeats with another result."""
        results: dict[str, str] = {}
        for unit in reversed(self.head[:-1]):
            sums = _SUM.findall(unit.plain) if "=" in unit.plain else []
            if any(results.get(left, right) != right for left, right in sums) or (
                sums and false_equations(unit.body)
            ):
                self.result[unit.index] = UnitVerdict(False, "abandoned_attempt")
            else:
                results.update(sums)

    # --- one unit at a time

    def _judge(self) -> None:
        seen: set[str] = set(self.given | self.given_equations)
        kept: list[_Content] = []
        has_computed = False  # whether a kept unit computes
        has_result = False  # whether one does since the student went on to the next thing
        digression: tuple[int, DecisionReason] | None = None  # last paragraph of a check or alternative
        is_confirmed = False  # whether a check came to its end: what it says anew goes on with the derivation
        checked: set[str] = set()
        for unit, verdict in zip(self.head, self.result, strict=True):
            if not verdict.keep:
                continue
            fresh = unit.marks - seen
            reason = self._fault(unit, fresh, seen, kept)
            if reason == "verified_again" and signals.confirms(unit.lower) and not signals.checks(unit.lower):
                is_confirmed = True
            elif reason in {"verified_again", "alternative_method"}:
                # Before anything is computed, a unit can only check a guess, or find the first way.
                is_second = has_computed if reason == "verified_again" else has_result
                digression = (unit.paragraph, reason) if is_second else None
                is_confirmed = False
                checked |= unit.marks
            elif signals.NEXT.match(unit.lower):
                digression = None
            elif reason is None and digression:
                is_next = unit.paragraph != digression[0]
                is_new = is_confirmed and (is_next or not unit.marks <= seen | checked)
                if not is_new and self._continues(digression[0], unit, fresh):
                    reason, digression = digression[1], (unit.paragraph, digression[1])
                    checked |= unit.marks
                else:
                    digression = None
            if signals.NEXT.match(unit.lower) and reason != "verified_again":
                has_result = False
            if reason:
                self.result[unit.index] = UnitVerdict(False, reason)
                continue
            if signals.DEFINITION.match(unit.lower, signals.opening(unit.lower)):
                verdict.reason = "definition"
            has_result = has_result or self._computes(unit, fresh)
            has_computed = has_computed or has_result
            seen |= unit.marks
            kept.append((unit.vocabulary, unit.values))

    def _fault(
        self, unit: Unit, fresh: frozenset[str], seen: set[str], kept: Sequence[_Content]
    ) -> DecisionReason | None:
        """Return why a unit can be deleted, or None."""
        lower = unit.lower
        body = unit.body
        if unit.index == len(self.head) - 1:
            return None
        if signals.DECORATION.match(body):
            return "separator"
        start = signals.opening(lower)
        text = lower[start:]
        is_used = self._used_after(fresh, unit.index)
        has_new_equation = not unit.equations.isdisjoint(fresh)
        works = bool(_EXPRESSION.search(unit.plain)) or has_new_equation
        is_question = body.endswith("?") and not signals.TAG_QUESTION.search(lower)
        if signals.decides_validity(lower) and not is_question and not signals.checks(lower):
            return None
        is_other = signals.ALTERNATIVE.match(text) is not None
        if signals.checks(lower) and (is_other or not (is_used and has_new_equation)):
            return "verified_again"
        if not fresh and (signals.confirms(lower) or signals.AGREES.search(lower)):
            return "verified_again"
        if is_other and not (is_used and has_new_equation):
            return "alternative_method"
        if text.strip(" .!") in seen:
            return "repeated"
        if is_question and not (is_used and has_new_equation):
            return "self_question"
        if (
            signals.DEFINITION.match(text)
            and not is_question
            and (unit.plain != lower or _SYMBOL.search(unit.plain))
            and not signals.META.match(text)
        ):
            return None if fresh or _SYMBOL.search(unit.plain) else "meta_talk"
        if self._restates(unit, fresh, works):
            return "restated_question"
        if unit.equations and unit.equations <= seen and not signals.CASE.search(lower) and not fresh:
            return "repeated"
        computes = not unit.values.isdisjoint(fresh) and not is_question
        may_talk = not works and not computes and not body.endswith(":") and signals.META.match(text)
        may_doubt = signals.doubts(lower)
        argues = (may_talk or may_doubt) and len(body) > 45 and signals.REASON.search(text) is not None
        if may_doubt and not (is_used and (works or argues)):
            return "doubt"
        if (
            may_talk
            and not (is_used and (argues or signals.OPERATION.search(text)))
            and not (argues and unit.values)
        ):
            return "meta_talk"
        if (
            not unit.values
            and not unit.equations
            and len(body) < 45
            and not body.endswith(":")
            and "\\" not in body
            and not _SYMBOL.search(text)
        ):
            return "meta_talk"
        if (
            not fresh
            and not works
            and not self._is_parallel(unit)
            and len(unit.vocabulary) >= 3
            and any(
                unit.values <= values and len(unit.vocabulary & vocabulary) >= 0.8 * len(unit.vocabulary)
                for vocabulary, values in kept
            )
        ):
            return "repeated"
        return None

    def _computes(self, unit: Unit, fresh: frozenset[str]) -> bool:
        """Whether a unit has a result that can be checked, not only a guess, a rule or an example."""
        if unit.equations or _EXPRESSION.search(unit.plain):
            return True
        stated = "that's" in unit.lower or not fresh.isdisjoint(unit.results)
        return bool(fresh) and stated and not signals.SUPPOSED.search(unit.lower)

    def _is_parallel(self, unit: Unit) -> bool:
        """Whether a unit and the one before it are two cases: "If x is even, … If x is odd, …"."""
        return unit.lower.startswith("if ") and self.head[unit.index - 1].lower.startswith("if ")

    def _continues(self, paragraph: int, unit: Unit, fresh: frozenset[str]) -> bool:
        """Whether a unit continues the check or the alternative that was last in `paragraph`."""
        formulas = (pair.rpartition("=")[2] for pair in unit.equations & fresh)
        if (
            self._used_after(fresh, unit.index)
            or unit.index == len(self.head) - 1
            or signals.decides_validity(unit.lower)
            or any(_VARIABLE.search(formula) and formula in self.summary for formula in formulas)
        ):
            return False
        same = paragraph == unit.paragraph
        return same or (paragraph == unit.paragraph - 1 and not signals.RESUMES.match(unit.lower))

    def _restates(self, unit: Unit, fresh: frozenset[str], works: bool) -> bool:
        if works:
            return False
        if (
            signals.restates(unit.lower)
            and not signals.OPERATION.search(unit.lower)
            and not self._used_after(fresh, unit.index)
        ):
            return True
        vocabulary = unit.vocabulary
        early = unit.index < max(8, len(self.head) // 4)
        share = 0.6 if unit.index < 8 else 0.8 if early else 1.0
        return (
            (early or len(vocabulary) >= _QUOTED)
            and len(vocabulary) >= 2
            and not fresh
            and len(vocabulary & self.question_words) >= share * len(vocabulary)
        )

    # --- what kept units need

    def _restore_derivation(self) -> None:
        """Restore the unit that computes the answer if the kept ones only state it."""
        asserting = [unit for unit in self.head if self.answer.asserted_by(unit)]
        if any(self.result[unit.index].keep and "=" in unit.plain for unit in asserting):
            return
        for unit in asserting:
            if self.result[unit.index].keep:
                break  # stated in words, before any equation gives it
            if _EXPRESSION.search(unit.plain) and "=" in unit.plain and not unit.body.endswith("?"):
                self.result[unit.index] = UnitVerdict(True, "needed_later")
                break

    def _follow_needs(self) -> None:
        needed: set[str] = set(self.answer.stated)
        self.first_result: dict[str, int] = {}
        for unit, verdict in zip(self.head, self.result, strict=True):
            if verdict.keep:
                for value in unit.results:
                    self.first_result.setdefault(value, unit.index)
        for index in range(len(self.head) - 1, 0, -1):
            if not self.result[index].keep:
                continue
            unit = self.head[index]
            if self._is_unused(unit, needed):
                self.result[index] = UnitVerdict(False, "unused_result")
                continue
            needed |= unit.marks
            self._restore_values(unit)
            before = self.head[index - 1]
            if unit.plain.startswith("=") and not self.result[index - 1].keep:
                self.result[index - 1] = UnitVerdict(True, "needed_later")
            if (
                not self.result[index - 1].keep
                and before.paragraph == unit.paragraph
                and signals.DANGLING.match(unit.lower, signals.opening(unit.lower))
                and len(unit.body) < _LEAN
            ):
                if self.result[index - 1].reason in _RESTORABLE and not before.body.endswith("?"):
                    self.result[index - 1] = UnitVerdict(True, "needed_later")
                elif not self._used_after(unit.marks, index) and index != len(self.head) - 1:
                    self.result[index] = UnitVerdict(False, "dangling")

    def _is_unused(self, unit: Unit, needed: set[str]) -> bool:
        """Whether a unit only computes, and no kept unit after it uses the result."""
        if unit.index >= len(self.head) - 3 or not _EXPRESSION.search(unit.plain) or "=" not in unit.plain:
            return False
        results = {value for value in unit.results if self.first_result.get(value, unit.index) >= unit.index}
        if (
            (self.introduced[unit.index] | results) & needed
            or signals.ITEM.match(unit.text)
            or unit.body.endswith(":")
        ):
            return False
        if "!" in unit.plain or any(not VALUE.fullmatch(pair.split("=")[1]) for pair in unit.equations):
            return False
        argues = signals.REASON.search(unit.lower) or signals.decides_validity(unit.lower)
        return not _VARIABLE.search(unit.plain) and not argues

    def _restore_values(self, unit: Unit) -> None:
        """Restore deleted units that introduce a value which `unit` uses and no kept unit introduces."""
        needs = unit.strong - self.given
        if needs and _EXPRESSION.search(unit.plain):
            needs = needs.difference(unit.results)
        earlier = {
            value: places[: bisect_left(places, unit.index)]
            for value in needs
            if not self.result[(places := self.holders[value])[0]].keep or places[0] >= unit.index
        }
        lost = {v for v, places in earlier.items() if not any(self.result[i].keep for i in places)}
        for index in sorted({index for value in lost for index in earlier[value]}, reverse=True):
            if lost & self.head[index].values and self.result[index].reason in _RESTORABLE:
                lost -= self.head[index].values
                self.result[index] = UnitVerdict(True, "needed_later")

    # --- lists and announcements

    def _is_line(self, unit: Unit) -> bool:
        """Whether a unit is a line within a paragraph, as in a table or a system of equations."""
        before = self.head[unit.index - 1] if unit.index else None
        begins = before is not None and before.paragraph == unit.paragraph and before.text.endswith("\n")
        return begins and "=" in unit.plain and len(unit.body) < _LINE

    def _complete_lists_and_lead_ins(self) -> None:
        items = [signals.ITEM.match(unit.text) is not None for unit in self.head]
        lines = [*map(self._is_line, self.head)]
        keep_members(self.result, items)
        keep_members(self.result, [item or line for item, line in zip(items, lines, strict=True)])
        for index in range(len(self.head) - 2, -1, -1):
            unit, verdict, following = self.head[index], self.result[index], self.result[index + 1]
            if not unit.body.endswith(":"):
                continue
            if verdict.keep and not following.keep:
                self.result[index] = UnitVerdict(False, "dangling")
            elif verdict.keep and verdict.reason == "derivation":
                verdict.reason = "lead_in"
            elif (
                following.keep
                and verdict.reason in {"meta_talk", "repeated", "restated_question"}
                and (items[index + 1] or self.head[index + 1].equations)
            ):
                self.result[index] = UnitVerdict(True, "lead_in")
