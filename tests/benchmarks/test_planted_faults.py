"""Planted faults: what is promised about the file, and that the planted texts differ as their kind says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.planted_faults import KINDS, planted
from benchmarks.planting import text
from benchmarks.planting.sources import Item, revisions
from tests.helpers.shared_data import shared_file

FROM_GENERATED = {
    "missing_link": {"value"},
    "withdrawn_step": {"slip", "wrong_operation", "misread", "redone", "abandoned_approach"},
    "dangling_reference": {"equation_number", "step_number", "list_start", "previous_result"},
    "contradiction": {"result_digit", "carried_value", "operator", "two_conclusions", "summary_value"},
    "hollow": {"short", "restated", "filler", "plan", "checked"},
    "sound": {"unchanged", "aside_removed", "check_removed", "merged", "withdrawn_removed"},
}


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    """Items made from generated word problems only."""
    return planted(revisions(tmp_path_factory.mktemp("no-data"), 0, 1_800), 0, per_subkind=20)


def of(items: list[Item], kind: str, subkind: str) -> list[Item]:
    """The items of a subkind; there must be some."""
    found = [item for item in items if (item.kind, item.subkind) == (kind, subkind)]
    assert found
    return found


def test_generated_problems_alone_give_every_kind(items: list[Item]) -> None:
    for kind, subkinds in FROM_GENERATED.items():
        assert subkinds <= {item.subkind for item in items if item.kind == kind}, kind


def test_no_question_is_in_both_splits(items: list[Item]) -> None:
    tune = {item.question for item in items if item.split == "tune"}
    test = {item.question for item in items if item.split == "test"}
    assert tune
    assert test
    assert not tune & test


def test_the_span_lies_in_the_field_that_is_named(items: list[Item]) -> None:
    for item in items:
        start, end = item.span
        assert 0 <= start <= end <= len(getattr(item, item.field)), item.change


def test_what_a_missing_sentence_stated_is_used_later_and_given_nowhere(items: list[Item]) -> None:
    for item in of(items, "missing_link", "value"):
        removed = item.change.split(": ", 1)[1]
        number = text.numbers(removed)[-1]
        after = item.revised_thinking[item.span[0] :]
        assert number in text.numbers(after)
        assert number not in text.numbers(item.question + " " + item.revised_thinking[: item.span[0]])
        assert number in text.numbers(item.original_thinking)


def test_an_altered_equation_is_false_and_the_sound_ones_are_true(items: list[Item]) -> None:
    for subkind in ("result_digit", "operator"):
        for item in of(items, "contradiction", subkind):
            equations = list(text.equations(item.revised_thinking))
            assert len(equations) == len(list(text.true_equations(item.revised_thinking))) + 1
    for item in of(items, "sound", "unchanged"):
        assert len(list(text.equations(item.revised_thinking))) == len(
            list(text.true_equations(item.revised_thinking))
        )


def test_a_number_carried_over_wrongly_leaves_each_equation_true(items: list[Item]) -> None:
    for item in of(items, "contradiction", "carried_value"):
        assert len(list(text.equations(item.revised_thinking))) == len(
            list(text.true_equations(item.revised_thinking))
        )


def test_the_withdrawn_step_is_in_the_original_before_its_taking_back(items: list[Item]) -> None:
    for item in of(items, "withdrawn_step", "slip"):
        kept = item.revised_thinking[slice(*item.span)].strip()
        assert kept in item.original_thinking
        assert len(item.original_thinking) > len(item.revised_thinking)


def test_hollow_texts_have_no_equation_of_their_own(items: list[Item]) -> None:
    for item in items:
        if item.kind == "hollow":
            own = item.revised_thinking.replace(item.question.strip(), "")
            assert not list(text.true_equations(own)), item.revised_thinking


@pytest.mark.parametrize(
    "solution",
    [
        "She pays $3 + $4 = $7. Then she has $13 left.\nThat is $7/hour.\nThe rest is hers.",
        "We get\n\\[x = 3.\\]Then $x + 1 = 4.$  So it is $\\boxed{4}$.",
        "1. First: 2 + 3 = 5.\n\n2. Then 5 * 4 = 20.",
    ],
)
def test_sentences_join_to_the_text(solution: str) -> None:
    sentences = text.units(solution)
    assert "".join(unit.text for unit in sentences) == solution
    assert len(sentences) == solution.count("\n") + 1 or len(sentences) >= 2


def test_the_command_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    data = shared_file("gsm8k.parquet").parent
    small = tmp_path / "data"
    small.mkdir()
    (small / "gsm8k.parquet").symlink_to(data / "gsm8k.parquet")
    written = []
    for hash_seed in ("1", "2"):
        out = tmp_path / f"{hash_seed}.jsonl"
        command = [sys.executable, "-m", "benchmarks.planted_faults", str(small), str(out)]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        written.append(out.read_bytes())
    assert written[0] == written[1]
    kinds = {json.loads(line)["kind"] for line in written[0].splitlines()}
    assert kinds == set(KINDS)
    assert "missing_link" in done.stdout
