"""Second derivations go as whole stretches; what the derivation needs stays or comes back."""

from collections.abc import Sequence

import pytest

from drp.core import Revision, StudentTrace
from drp.teacher.heuristic.decision_reasons import UnitVerdict
from drp.teacher.heuristic.delete_digressions import drop_digressions
from drp.teacher.heuristic.keep_referents import anchor
from drp.teacher.heuristic.soundness import is_long, refusal_of
from drp.traces import units

QUESTION = "A ferry carries 14 cars and 6 buses. Each bus pays 35 euros, each car 18 euros. Find the takings."
SUMMARY = (
    "The buses bring in 6 * 35 = 210 euros.\n\nThe cars bring in 14 * 18 = 252 euros.\n\n"
    "Together that is 210 + 252 = 462 euros.\n\n**Final answer:** \\boxed{462}"
)
BUSES = "The buses pay 6 * 35 = 210 euros.\n\n"
CARS = "The cars pay 14 * 18 = 252 euros.\n\n"
END = "So the takings are 210 + 252 = 462 euros.\n\n"


def left(thinking: str, summary: str = SUMMARY) -> str:
    """Return what is left of a thinking whose units are all kept."""
    pieces = units(thinking)
    verdicts = [UnitVerdict(True, "derivation") for _ in pieces]
    drop_digressions(StudentTrace("r", QUESTION, thinking, summary, "462"), pieces, verdicts)
    return "".join(unit.text for unit in pieces if verdicts[unit.index].keep)


def test_a_derivation_stays() -> None:
    assert left(BUSES + CARS + END) == BUSES + CARS + END


@pytest.mark.parametrize(
    "again",
    [
        "Let me verify the buses. 3 * 35 = 105 for half of them. Twice 105 is 6 * 35 = 210 again.\n\n",
        "Alternatively, count by halves. 3 buses pay 105 euros. So all pay 105 + 105 = 210 euros.\n\n",
        "Let me try the double fare. 3 * 70 = 210, the same.\n\n",
    ],
)
def test_a_second_derivation_of_what_is_known_goes_as_a_whole(again: str) -> None:
    assert left(BUSES + again + CARS + END) == BUSES + CARS + END


def test_a_check_that_finds_what_is_used_later_stays() -> None:
    found = "Let me verify the buses. 6 * 35 = 210. With the 7 euros of the driver, that is 217.\n\n"
    end = "So the takings are 210 + 252 = 462 euros, and 217 for the driver.\n\n"
    assert "that is 217" in left(BUSES + found + CARS + end)


def test_what_follows_the_first_full_derivation_goes_and_the_conclusion_stays() -> None:
    recap = "First I found 6 * 35 = 210. Then 14 * 18 = 252. Adding them gives 210 + 252 = 462.\n\n"
    closing = "The answer is 462."
    assert left(BUSES + CARS + END + recap + closing) == BUSES + CARS + END + closing


def test_a_result_before_the_others_does_not_end_the_derivation() -> None:
    guess = "So the takings may be near 462 euros.\n\n"
    assert left(BUSES + guess + CARS + END) == BUSES + guess + CARS + END


def test_a_bare_summary_ends_nothing_early() -> None:
    assert left(BUSES + CARS + END, "**Final answer:** \\boxed{462}") == BUSES + CARS + END


def anchored(text: str, deleted: Sequence[int], reason: str) -> list[str]:
    pieces = units(text)
    verdicts = [UnitVerdict(unit.index not in deleted, "derivation") for unit in pieces]
    for index in deleted:
        verdicts[index].reason = reason  # type: ignore[assignment]  # a parameter of the test
    anchor(pieces, verdicts)
    return [unit.body for unit in pieces if verdicts[unit.index].keep]


def test_the_sentence_that_names_a_calculation_comes_back() -> None:
    text = "Compute the fares of the cars. 14 * 18 = 252. So the takings are 210 + 252 = 462."
    assert anchored(text, [0], "meta_talk")[0] == "Compute the fares of the cars."
    assert anchored(text, [0], "verified_again")[0] == "14 * 18 = 252."


def test_the_sentence_that_gives_a_number_comes_back() -> None:
    text = "The crew have 5 jobs. It rains today. The ferry is white. So the takings are 210 - 5 = 205."
    assert anchored(text, [0, 1, 2], "repeated")[0] == "The crew have 5 jobs."


def test_a_concluded_fraction_that_nothing_uses_is_refused() -> None:
    thinking = "The buses are 6/20 of all. So the share is 6/35. 14/20 = 7/10. So the answer is 7/10."
    trace = StudentTrace(
        "r", "Share of 14 cars of 20?", thinking + " Hm." * 20, "14/20 = \\boxed{7/10}", "7/10"
    )
    revision = Revision(thinking, "\\boxed{7/10}")
    refusal = refusal_of(trace, revision, must_agree=True)
    assert refusal is not None
    assert refusal.reason == "teacher_unsettled"
    sound = Revision(thinking.replace(" So the share is 6/35.", ""), "\\boxed{7/10}")
    assert refusal_of(trace, sound, must_agree=True) is None


def test_a_long_revision_is_told_from_one_that_is_too_long() -> None:
    steps = "".join(f"Car {n} pays {n} * 18 = {18 * n} euros.\n" for n in range(1, 46))
    thinking = f"{steps}So the takings are 462 euros."
    trace = StudentTrace("r", QUESTION, thinking + " Hm." * 20, SUMMARY, "462")
    revision = Revision(thinking, "\\boxed{462}")
    assert is_long(trace, revision)
    assert refusal_of(trace, revision, must_agree=False) is None
    assert not is_long(trace, Revision(END, "\\boxed{462}"))
