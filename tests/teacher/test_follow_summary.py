"""The rule-based teacher and the student's summary: what it settles, gives back, or stands for."""

from collections.abc import Sequence

import pytest

from drp.core.records import Draft, StudentTrace
from drp.teacher.heuristic import HeuristicTeacher
from drp.teacher.heuristic.decision_reasons import UnitVerdict
from drp.teacher.heuristic.keep_referents import anchor
from drp.teacher.heuristic.summary_links import links_of, underived_values
from drp.traces import units

QUESTION = "A ferry carries 14 cars and 6 buses. Each bus pays 35 euros, each car 18 euros. Find the takings."
SUMMARY = (
    "The buses bring in 6 * 35 = 210 euros.\n\nThe cars bring in 14 * 18 = 252 euros.\n\n"
    "Together that is 210 + 252 = 462 euros.\n\n**Final answer:** \\boxed{462}"
)
SEARCH = """\
Hmm, let me think about the buses. 6 * 18 = 108 euros for them. Wait, that is the fare of a car.

No, that can't be right. Maybe 6 * 14 = 84? Hold on, that mixes buses and cars.

The buses pay 6 * 35 = 210 euros. Hmm, or is it per passenger? Wait, no, it says per bus.

But wait, 14 * 35 = 490 would be the cars at the fare of a bus. Hold on, that's wrong.

The cars pay 14 * 18 = 252 euros. Wait, is that all? Let me see, yes it is.

Adding both, 210 + 252 = 462 euros. Hmm, wait, does the ferry take anything else? No.

So the takings are 462 euros. Let me double-check. 6 * 35 = 210. 14 * 18 = 252. 210 + 252 = 462. Yes.
"""


def trace(thinking: str, summary: str = SUMMARY, answer: str = "462") -> StudentTrace:
    return StudentTrace("r", QUESTION, thinking, summary, answer)


def taught(one: StudentTrace) -> Draft:
    teacher = HeuristicTeacher()
    [draft] = teacher.revise(teacher.decompose([Draft(one)], "skill"))
    return draft


def test_links_are_what_the_summary_computes_without_its_conclusion() -> None:
    links = links_of(trace(SEARCH))
    assert [dict(link.results).keys() for link in links] == [{"210"}, {"252"}, {"462"}]
    assert all("boxed" not in link.text and "**" not in link.text for link in links)


def test_a_search_gives_way_to_its_summary_and_is_not_mixed_with_it() -> None:
    draft = taught(trace(SEARCH))
    assert draft.revision is not None
    thinking = draft.revision.thinking
    assert all(result in thinking for result in ("= 210", "= 252", "= 462"))
    assert not any(attempt in thinking for attempt in ("108", "84", "490", "ait"))
    own = {unit.body for unit in units(SEARCH)}
    kept = [unit.body in own for unit in units(thinking)]
    assert all(kept) or not any(kept)


def test_a_thinking_that_cannot_be_cut_is_replaced_by_its_summary_and_marked() -> None:
    messy = SEARCH.replace("The cars pay 14 * 18 = 252 euros.", "The cars, hmm, maybe 252 or so?").replace(
        "The buses pay 6 * 35 = 210 euros.", "Is it 210 for the buses?"
    )
    draft = taught(trace(messy.replace("6 * 35 = 210. 14 * 18 = 252. ", "")))
    assert draft.revision is not None
    assert {decision.reason for decision in draft.decisions} >= {"fallback_from_summary"}
    assert "6 * 35 = 210" in draft.revision.thinking
    assert "14 * 18 = 252" in draft.revision.thinking
    assert "boxed" not in draft.revision.thinking


@pytest.mark.parametrize(
    "summary",
    [
        "\\boxed{462}",
        "After careful enumeration: buses 6 * 35 = 210, cars 14 * 18 = 252. In all \\boxed{462}",
        "The buses bring in 210 and the cars 252 euros. The trips are 77 and 91. In all \\boxed{462}",
    ],
)
def test_a_summary_that_does_not_derive_the_answer_stands_for_nothing(summary: str) -> None:
    messy = "Hmm, 108? Wait, no. 84? Hold on. 490? No, that's wrong. Wait. So it is 462 euros, I guess."
    draft = taught(trace(messy * 3, summary))
    assert draft.revision is None
    assert draft.refusal is not None


def test_a_thinking_without_the_answer_is_not_replaced() -> None:
    draft = taught(trace(SEARCH.replace("462", "461")))
    assert draft.refusal is not None


def test_numbers_from_nowhere_are_named() -> None:
    assert underived_values(QUESTION, "6 * 35 = 210 and 14 * 18 = 252, so 462 = 210 + 252.") == []
    assert underived_values(QUESTION, "There are 77 trips, 91 stops and 462 euros.") == ["462", "77", "91"]


def anchored(text: str, kept: Sequence[int]) -> list[str]:
    all_units = units(text)
    verdicts = [UnitVerdict(unit.index in kept, "derivation") for unit in all_units]
    anchor(all_units, verdicts)
    return [unit.body for unit in all_units if verdicts[unit.index].keep]


def test_what_a_sentence_refers_to_comes_back() -> None:
    text = "The cars pay 14 * 18 euros. That is 252 euros. So the takings are 210 + 252 = 462 euros."
    assert anchored(text, [1, 2])[0] == "The cars pay 14 * 18 euros."


def test_a_sentence_whose_anchor_is_taken_back_goes_too() -> None:
    text = "No, that is wrong. That means something else. So the takings are 210 + 252 = 462 euros."
    assert anchored(text, [1, 2]) == ["So the takings are 210 + 252 = 462 euros."]


def test_an_announcement_of_nothing_goes() -> None:
    text = "So we get:\n\n252 + 1 = 253\n\nSo the takings are 210 + 252 = 462 euros."
    assert anchored(text, [0, 2]) == ["So the takings are 210 + 252 = 462 euros."]
