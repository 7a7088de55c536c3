"""Traces that users bring and that are no single number in English, through whole nights with both teachers.

Each row ends accepted or with a reason; none is published whose answer is wrong for its gold answer.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks.planted_wrong_answers import careless_llm, night
from benchmarks.planting.sources import generated
from benchmarks.planting.wrong_answers import AnswerItem

ASIDE = "Hmm, let me read this once more before I do anything."
CHECK = "Wait, let me double-check the whole thing. Everything seems to fit, good."


def of_boxes(conclusion: str) -> str:
    """A long thinking of 7 boxes of 12 pens and 5 single ones, 89 in all."""
    return (
        f"Okay, so I need to find how many pens there are.\n\n{ASIDE}\n\nThe boxes hold 7 * 12 = 84 pens.\n\n"
        f"Adding the single ones gives 84 + 5 = 89 pens.\n\n{CHECK} 7 * 12 = 84 and 84 + 5 = 89.\n\n"
        f"{conclusion}"
    )


PENS = "There are 7 boxes with 12 pens each and 5 single pens. How many pens are there?"
SO_89, SO_98 = of_boxes("So the answer is 89."), of_boxes("So the answer is 98.")
BOXED = "There are $7 \\times 12 = 84$ pens in boxes, so $84 + 5 = 89$ in all: \\boxed{89}"

TABLE = "| what | pens |\n|---|---|\n| boxes | 84 |\n| single | 5 |\n| all | {0} |"
LISTS = (
    "Okay, so I sort them.\n\n- boxes\n  1. 7 of them\n     - 12 pens each, so 7 * 12 = 84\n- single pens\n"
    f"  1. there are 5, so 84 + 5 = 89\n\n{CHECK}\n\nSo the answer is 89."
)
PAIRS = (
    f"Okay, the factors of 6 come in pairs.\n\n{ASIDE}\n\n1 * 6 = 6, so one pair is (1, 6).\n\n2 * 3 = 6, so "
    f"the other pair is (2, 3).\n\n{CHECK}\n\nSo the pairs are (1, 6) and (2, 3)."
)
BASES = (
    f"Okay, I write 54 in base 5.\n\n{ASIDE}\n\n54 = 2 * 25 + 4, since 2 * 25 = 50 and 54 - 50 = 4.\n\n"
    f"There is no 5 in the rest of 4, so the digits are 2, 0 and 4.\n\n{CHECK} 2 * 25 = 50.\n\n"
    "So the answer is 204_5."
)
BOTH = (
    f"Okay, two things are asked.\n\n{ASIDE}\n\nFor (a), the boxes hold 7 * 12 = 84 pens.\n\nFor (b), all "
    f"pens are 84 + 5 = 89.\n\n{CHECK}\n\nSo the answers are 84 and 89."
)
TWO = "There are 7 boxes with 12 pens each and 5 single ones. (a) How many are in boxes? (b) How many in all?"
BASE = "Write 54 in base 5."
FACTORS = "Which pairs of whole numbers multiply to 6?"


def long_thinking(size: int) -> str:
    """The thinking of SO_89 with at least `size` characters of other problems in it."""
    others: list[str] = []
    for other in generated(1_000, 0):
        if sum(map(len, others)) >= size:
            break
        others.append(f"Maybe a similar problem helps. {other.question}\n\n{other.original}")
    return SO_89.replace(CHECK, "\n\n".join([*others, CHECK]))


# name: (outcome, question, thinking, response, gold answer). The outcome is `right` if the answer is right,
# `wrong` if it is not, and `wrong thinking` if only the thinking is wrong.
TRACES = {
    "summary in German": ("right", PENS, SO_89, "Zusammen sind es also 89 Stifte: \\boxed{89}", "89"),
    "summary in Chinese": ("right", PENS, SO_89, "一共有 89 支笔。最终答案：\\boxed{89}", "89"),
    "wrong summary in German": ("wrong", PENS, SO_89, "Zusammen sind es also 98 Stifte.", "89"),
    "wrong summary in Chinese": ("wrong", PENS, SO_89, "一共有 98 支笔。最终答案：98", "89"),
    "wrong summary, right thinking": ("wrong", PENS, SO_89, BOXED.replace("89", "98"), "89"),
    "right summary, wrong thinking": ("wrong thinking", PENS, SO_98.replace("= 89", "= 98"), BOXED, "89"),
    "nested lists": ("right", PENS, LISTS, "1. Boxes:\n   - 84\n2. Single:\n   - 5\n\n**Answer:** 89", "89"),
    "wrong nested lists": ("wrong", PENS, LISTS, "1. Boxes:\n   - 89\n2. All:\n   - 84\n   - 5", "89"),
    "list of pairs": ("right", FACTORS, PAIRS, "The pairs are $\\boxed{(1, 6), (2, 3)}$.", "(1,6),(2,3)"),
    "wrong list of pairs": (
        "wrong",
        FACTORS,
        PAIRS,
        "The pairs are $\\boxed{(6, 1), (2, 3)}$.",
        "(1,6),(2,3)",
    ),
    "pairs without brackets": ("wrong", FACTORS, PAIRS, "They are $\\boxed{1, 6, 2, 3}$.", "(1,6),(2,3)"),
    "numeral in a base": ("right", BASE, BASES, "So it is $\\boxed{204_5}$.", "204_5"),
    "numeral in another base": ("wrong", BASE, BASES, "So it is $\\boxed{204_6}$.", "204_5"),
    "numeral without its base": ("wrong", BASE, BASES, "So it is $\\boxed{204}$.", "204_5"),
    "number in base ten": ("wrong", BASE, BASES, "So it is $\\boxed{54}$.", "204_5"),
    "table": ("right", PENS, SO_89, f"{TABLE.format(89)}\n\nThe answer is 89.", "89"),
    "wrong table": ("wrong", PENS, SO_89, TABLE.format(98), "89"),
    "table with the gold last": ("wrong", PENS, SO_89, f"\\boxed{{98}}\n\n{TABLE.format(89)}", "89"),
    "two questions": ("right", TWO, BOTH, "They are \\boxed{84} and \\boxed{89}.", "84, 89"),
    "two questions, one answered": ("wrong", TWO, BOTH, "There are \\boxed{89}.", "84, 89"),
    "two answers, gold of one": ("wrong", TWO, BOTH, "\\boxed{89}, \\boxed{84}", "89"),
    "two questions, one answered wrong": (
        "wrong",
        TWO,
        BOTH,
        "They are \\boxed{98} and \\boxed{84}.",
        "84, 89",
    ),
    "200,000 characters": ("right", PENS, long_thinking(200_000), BOXED, "89"),
    "200,000 characters, wrong": ("wrong", PENS, long_thinking(200_000), BOXED.replace("89", "98"), "89"),
    "200,000 characters in one line": ("wrong thinking", PENS, "maybe 7 " * 25_000, BOXED, "89"),
    "summary of 200,000 characters": ("wrong", PENS, SO_89, "We add 1 + 1 = 2. " * 12_000, "89"),
}
ITEMS = [
    AnswerItem("right", name, f"{question} ({name})", thinking, response, gold)
    for name, (_, question, thinking, response, gold) in TRACES.items()
]

WRONG = {name for name, (outcome, *_) in TRACES.items() if outcome == "wrong"}
ANSWER_REASONS = {"rollout_wrong", "answer_undecided", "answer_missing"}


def outcomes(folder: Path, variables: Mapping[str, str]) -> dict[str, list[str]]:
    """The reject reasons of each trace after a night; none if it was accepted. Every row is there."""
    kinds = {item.question: item.kind for item in ITEMS}
    found = {kinds[row["question"]]: row["reject_reasons"] for row in night(folder, ITEMS, variables)}
    assert set(found) == set(TRACES)
    return found


def check(found: Mapping[str, list[str]]) -> None:
    """No trace with a wrong answer or a wrong thinking is accepted, and the reason says why."""
    assert {name for name in WRONG if not ANSWER_REASONS & {*found[name]}} == set()
    assert found["wrong summary, right thinking"] == ["rollout_wrong"]
    assert found["right summary, wrong thinking"]
    assert found["numeral in another base"] == ["rollout_wrong"]
    assert found["numeral without its base"] == ["answer_undecided"]
    assert "degenerate" in found["200,000 characters in one line"]
    assert "language_mixed" in found["summary in Chinese"]
    for name in ("summary in German", "nested lists", "numeral in a base", "table"):
        assert found[name] == [], name
    assert not ANSWER_REASONS & {
        *found["two questions"],
        *found["list of pairs"],
        *found["200,000 characters"],
    }


def test_with_the_rule_based_teacher(tmp_path: Path) -> None:
    check(outcomes(tmp_path, {"DRP_TEACHER": "heuristic"}))


@pytest.mark.services
def test_with_an_llm_that_keeps_every_answer(tmp_path: Path) -> None:
    with careless_llm(tmp_path, ITEMS) as variables:
        check(outcomes(tmp_path, variables))
