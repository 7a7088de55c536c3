"""Loops are detected; reasoning is not taken for a loop, however repetitive it is."""

from itertools import islice

import pyarrow.parquet as pq
import pytest

from drp.questions.generators.generate import generate, problem_from_source
from drp.traces.loops import MIN_CHARACTERS, is_degenerate
from tests.helpers.shared_data import shared_file

REASONING = "\n\n".join(
    " ".join(problem_from_source(question.source).facts) for question in islice(generate(200, 0), 60)
)


@pytest.mark.parametrize(
    "phrase",
    [
        "1",
        "Wait, let me check that again. ",
        "So the answer is 12. But 3 times 4 is 12. Hmm. " * 3,
        " ".join(f"Case {n} leads to {n * 37 % 101}, which is out." for n in range(9)),
    ],
)
def test_repeated_text_is_a_loop(phrase: str) -> None:
    loop = phrase * (6_000 // len(phrase))
    assert is_degenerate(loop)
    assert is_degenerate(REASONING + loop)


def test_a_loop_in_the_middle_is_not_marked() -> None:
    assert not is_degenerate("Wait. " * 200 + REASONING + REASONING[::-1])


def test_short_texts_and_tables_are_not_judged() -> None:
    assert not is_degenerate("")
    assert not is_degenerate("no " * (MIN_CHARACTERS // 3 - 1))


def test_reasoning_is_not_a_loop() -> None:
    assert len(REASONING) > 5_000
    assert not is_degenerate(REASONING)
    squares = "\n".join(
        f"{n} squared is {n * n}, which leaves {n * n % 7} when divided by 7." for n in range(40, 90)
    )
    assert not is_degenerate(squares)


def test_lone_surrogates_do_not_break_it() -> None:
    assert is_degenerate("\ud800 again. " * 500)


def test_real_traces() -> None:
    rows = pq.read_table(shared_file("traces.parquet")).to_pylist()
    good = [row for row in rows if row["closed_think"] and row["boxed_match"]]
    marked = [row["id"] for row in good if is_degenerate(row["thinking"]) or is_degenerate(row["response"])]
    assert marked == [
        "trace-00454"
    ]  # repeats "Now, we need to double-check if" to its end, as a manual check confirmed
    unfinished = [row for row in rows if not row["closed_think"]]
    assert {row["id"] for row in unfinished if is_degenerate(row["thinking"])} == {
        "trace-00718",
        "trace-01256",
    }
