"""Copied steps are aligned exactly or not at all."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drp.teacher.llm.align_steps import aligned
from drp.teacher.llm.reply_schemas import UnusableReplyError
from drp.traces.numbering import shown, unit_ends
from tests.teacher.llm.replies import texts

TRACE = "So 2 + 3\n is “five”.  Wait, isn't it? Yes.\n\nThe answer is 5."


@given(texts, st.integers(0, 10**6))
def test_any_cut_of_any_text_is_found_again(text: str, seed: int) -> None:
    ends = unit_ends(text)
    cuts = sorted(random.Random(seed).sample(ends[:-1], len(ends) // 2)) + list(ends[-1:])  # noqa: S311
    pieces = [shown(text)[a:b] for a, b in zip([0, *cuts], cuts, strict=False)]
    if all(piece.strip() for piece in pieces):
        assert aligned(text, pieces) == tuple(cuts)


def test_white_space_and_quotation_marks_may_differ() -> None:
    ends = aligned(TRACE, ['So 2 + 3 is "five".', "Wait, isn’t it?\n\n", " Yes. ", "The answer\nis 5."])
    assert [TRACE[a:b] for a, b in zip((0, *ends), ends, strict=False)] == [
        "So 2 + 3\n is “five”.  ",
        "Wait, isn't it? ",
        "Yes.\n\n",
        "The answer is 5.",
    ]


@pytest.mark.parametrize(
    ("pieces", "fault"),
    [
        (["So 2 + 3 is “five”."], 'the steps end before the trace does: "Wait,isn\'tit?Yes.Theansweris5."'),
        (["So 2 + 3 is five.", "…"], "step 1 is not the trace's own text: the trace has '\"five\".Wait"),
        (["So 2 + 3 is “five”.", "Yes. The answer is 5."], "step 2 is not the trace's own text"),
        ([TRACE, "The answer is 5."], "step 2 goes on after the trace has ended"),
        ([TRACE[:20], TRACE[10:]], "step 2 is not"),
        ([], "the steps end before"),
    ],
)
def test_text_that_is_dropped_reworded_or_repeated_is_caught(pieces: list[str], fault: str) -> None:
    with pytest.raises(UnusableReplyError) as caught:
        aligned(TRACE, pieces)
    assert caught.value.reason == "uncovered"
    assert caught.value.fault.startswith(fault)


def test_an_empty_step_is_malformed() -> None:
    with pytest.raises(UnusableReplyError, match="malformed: step 2 is empty"):
        aligned(TRACE, ["So 2 + 3 is “five”.", " \n"])
