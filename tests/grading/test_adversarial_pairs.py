"""Gold answers changed a little are different, and written in another way equal."""

import pyarrow.parquet as pq

from drp.grading import Grader
from tests.grading.adversarial_pairs import MUTATIONS, REWRITES, adversarial_pairs
from tests.helpers.shared_data import shared_cases, shared_file

GOLDS = [
    *("7", "-12", "1250", "0.75", "36", "1024", "90", "3", "15", "240"),
    *(r"\frac{3}{4}", r"-\frac{5}{12}", r"\frac{7}{9}", r"\frac{1}{3}", "2.5"),
    *("x^2+3x", r"2^{10}", "5x^3", r"3\sqrt{5}", r"2\sqrt{7}", r"4 + 3\sqrt{2}", "9c+6"),
    *("(3, -1)", "(0,5)", "[0,1)", r"\left( -\infty, 4 \right]", "1, 2, 5", "-2, 7"),
]


def judged(golds: list[str], count: int) -> tuple[list[str], list[str], int]:
    """Pairs made from `golds`: different called equal, equal called different, and number of equal ones."""
    pairs = adversarial_pairs(golds, count)
    with Grader(limit_s=20.0) as grader:
        verdicts = list(grader.verdicts((pair.gold, pair.prediction) for pair in pairs))
    graded = list(zip(pairs, verdicts, strict=True))
    return (
        [str(pair) for pair, verdict in graded if not pair.equal and verdict == "equal"],
        [str(pair) for pair, verdict in graded if pair.equal and verdict == "different"],
        sum(pair.equal for pair in pairs),
    )


def test_every_rule_makes_pairs():
    assert {pair.kind for pair in adversarial_pairs(GOLDS, 400)} == {*MUTATIONS, *REWRITES}


def test_no_changed_answer_is_equal_and_no_rewritten_one_different():
    false_equal, false_different, _ = judged(GOLDS, 400)
    assert (false_equal, false_different) == ([], [])


def test_real_gold_answers():
    golds = pq.read_table(shared_file("math.parquet"), columns=["answer"])["answer"].to_pylist()
    false_equal, false_different, equal = judged(golds, 600)
    assert false_equal == []
    assert len(false_different) <= 0.01 * equal


def test_pairs_of_users():
    rows = shared_cases("answers/pairs.jsonl")
    with Grader(limit_s=20.0) as grader:
        verdicts = list(grader.verdicts((row["gold"], row["prediction"]) for row in rows))
    graded = list(zip(rows, verdicts, strict=True))
    equal = [(row, verdict) for row, verdict in graded if row["right"] == "equal"]
    assert [row for row, verdict in graded if row["right"] == "different" and verdict == "equal"] == []
    assert sum(verdict == "different" for _, verdict in equal) <= 0.03 * len(equal)
    assert sum(verdict == "undecided" for _, verdict in equal) <= 0.08 * len(equal)
