"""What is deleted goes as a whole stretch, what is kept stays whole, and what is cut to pieces is refused."""

import pytest

from drp.core import Refusal, Revision, StudentTrace
from drp.teacher.heuristic.compress import compressed
from drp.teacher.heuristic.decision_reasons import DecisionReason, UnitVerdict
from drp.teacher.heuristic.delete_digressions import drop_digressions
from drp.teacher.heuristic.fill_gaps import fill_gaps
from drp.teacher.heuristic.keep_or_delete import Judge
from drp.teacher.heuristic.soundness import cut_to_pieces, refusal_of, unsettled
from drp.traces import Unit, units

QUESTION = "A ferry carries 14 cars and 6 buses. Each bus pays 35 euros, each car 18 euros. Find the takings."
SUMMARY = (
    "The buses bring in 6 * 35 = 210 euros.\n\nThe cars bring in 14 * 18 = 252 euros.\n\n"
    "Together that is 210 + 252 = 462 euros.\n\n**Final answer:** \\boxed{462}"
)
BUSES = "The buses pay 6 * 35 = 210 euros."
CARS = "The cars pay 14 * 18 = 252 euros."
END = "So the takings are 210 + 252 = 462 euros."


def trace(thinking: str) -> StudentTrace:
    return StudentTrace("r", QUESTION, thinking, SUMMARY, "462")


def with_deleted(text: str, deleted: dict[int, DecisionReason]) -> tuple[list[Unit], list[UnitVerdict]]:
    pieces = [*units(text)]
    return pieces, [
        UnitVerdict(unit.index not in deleted, deleted.get(unit.index, "derivation")) for unit in pieces
    ]


def left(pieces: list[Unit], verdicts: list[UnitVerdict]) -> list[str]:
    return [unit.body for unit in pieces if verdicts[unit.index].keep]


@pytest.mark.parametrize(
    ("between", "reason"),
    [
        ("Half of them pay 3 * 35 = 105 euros.", "unused_result"),
        ("How much do the cars pay?", "self_question"),
        ("For the cars, multiply 14 by their fare.", "restated_question"),
    ],
)
def test_a_sentence_between_kept_ones_comes_back(between: str, reason: DecisionReason) -> None:
    pieces, verdicts = with_deleted(f"{BUSES} {between} {CARS} {END}", {1: reason})
    fill_gaps(pieces, verdicts)
    assert left(pieces, verdicts)[1] == between


@pytest.mark.parametrize(
    ("between", "reason"),
    [
        ("Wait, is that right?", "self_question"),
        ("Let me check that: 210 / 35 = 6.", "verified_again"),
        ("Let me see.", "meta_talk"),
        ("The buses pay 210 euros.", "repeated"),
        ("Hmm, I am not sure about 35 of them.", "doubt"),
        ("Yes, that is correct.", "verified_again"),
    ],
)
def test_checks_doubts_and_talk_between_kept_sentences_stay_away(
    between: str, reason: DecisionReason
) -> None:
    pieces, verdicts = with_deleted(f"{BUSES} {between} {CARS} {END}", {1: reason})
    fill_gaps(pieces, verdicts)
    assert left(pieces, verdicts) == [BUSES, CARS, END]


def test_what_is_left_of_a_check_goes_with_it() -> None:
    check = "Wait, let me check that. One bus pays 35 euros. Six of them."
    pieces, verdicts = with_deleted(f"{BUSES}\n\n{check}\n\n{CARS}\n\n{END}", {1: "verified_again"})
    drop_digressions(trace("x"), pieces, verdicts)
    assert left(pieces, verdicts) == [BUSES, CARS, END]


@pytest.mark.parametrize("end", ["Yes, that is correct.", "No, that is not right.", "Next, the cars."])
def test_what_follows_the_end_of_a_check_stays(end: str) -> None:
    text = f"{BUSES} Wait, let me check that. {end} A car takes 18 of it.\n\n{CARS}\n\n{END}"
    pieces, verdicts = with_deleted(text, {1: "verified_again", 2: "verified_again"})
    drop_digressions(trace("x"), pieces, verdicts)
    assert "A car takes 18 of it." in left(pieces, verdicts)


def test_a_check_that_is_confirmed_ends_with_its_paragraph() -> None:
    text = (
        f"{BUSES}\n\nLet me verify that. 210 / 35 = 6. Yes, that is correct.\n\n"
        f"When cars queue, each of them counts alone, since every driver pays a fare.\n\n{CARS}\n\n{END}"
    )
    pieces = units(text)
    verdicts = Judge(trace(text), pieces).verdicts()
    kept = [unit.body for unit in pieces if verdicts[unit.index].keep]
    assert "When cars queue, each of them counts alone, since every driver pays a fare." in kept
    assert "210 / 35 = 6." not in kept


def test_a_derivation_put_together_from_many_pieces_is_refused() -> None:
    check = "Wait, is that right? Half of it is 105.\n\n"
    text = f"{BUSES}\n\n{check}{CARS}\n\n{check}{END}\n\n"
    deleted: dict[int, DecisionReason] = dict.fromkeys((1, 2, 4, 5), "verified_again")
    assert cut_to_pieces(*with_deleted(text, deleted)) is None
    many = text * 3
    in_all = {6 * copy + index: reason for copy in range(3) for index, reason in deleted.items()}
    refusal = cut_to_pieces(*with_deleted(many, in_all))
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "teacher_long_search"


def test_a_cut_within_a_paragraph_counts_twice() -> None:
    text = " ".join(f"{n} * 2 = {2 * n}. Half of {n} is {n / 2}." for n in range(11, 14)) + f" {END}"
    pieces, verdicts = with_deleted(text, dict.fromkeys((1, 3, 5), "unused_result"))
    assert cut_to_pieces(pieces, verdicts) is not None


def test_the_summary_vouches_for_what_the_student_asks_about() -> None:
    doubts = "".join(f"{fact} Wait, is that so?\n\n" for fact in (BUSES, CARS, END))
    deleted: dict[int, DecisionReason] = dict.fromkeys((1, 3, 5), "self_question")
    told = with_deleted(f"{doubts}{END}", deleted)
    assert unsettled(trace("x"), *told) is None
    untold = with_deleted(
        doubts.replace("210", "211").replace("252", "253").replace("462", "464") + END, deleted
    )
    assert unsettled(trace("x"), *untold) is not None


def test_a_result_that_is_computed_in_two_ways_is_refused() -> None:
    again = "Three buses pay 105 euros.\n\nAll pay twice that.\n\nSo 105 + 105 = 210 euros.\n\n"
    text = f"{BUSES}\n\n{CARS}\n\n{again}{END}"
    for thinking, is_refused in ((text, True), (text.replace(again, ""), False)):
        refusal = refusal_of(trace(text + " Hm." * 40), Revision(thinking, "\\boxed{462}"), must_agree=True)
        assert (refusal is not None) == is_refused


def test_a_result_that_is_asked_is_stated() -> None:
    assert compressed("So 14 * 18 = 252?") == "So 14 * 18 = 252."
    assert compressed("Is 14 * 18 = 252?") == "Is 14 * 18 = 252?"
