"""The contract stops a night that is not fit to publish, and says what is wrong with it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from drp.gates import contract
from drp.gates.contract import ContractResult, NightQuarantinedError, check_night
from drp.grading import Grader
from drp.recipe import NightBands, Recipe, load_recipe
from drp.schemas import CORPUS_TABLES
from tests.rows import (
    PRUNED,
    RESPONSE,
    Row,
    make_decision,
    make_decomposition,
    make_example,
    make_question,
    make_rejection,
    make_revision,
    make_rollout,
    make_step,
    one_of_each,
)

WRONG = "The answer is \\boxed{5}."


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    with Grader() as ready:
        yield ready


@pytest.fixture
def check(grader: Grader, tmp_path: Path) -> Any:
    def run(recipe: Recipe | None = None, **tables: list[Row]) -> ContractResult:
        return check_night(night(tables), recipe or load_recipe("drp"), tmp_path / "docs", grader)

    return run


def night(tables: dict[str, list[Row]]) -> duckdb.DuckDBPyConnection:
    """Tables of one of each row, some of them replaced."""
    con = duckdb.connect()
    rows = one_of_each() | tables
    for name, schema in CORPUS_TABLES.items():
        con.register(name, pa.Table.from_pylist(rows[name], schema=schema))
    return con


def judged(**bands: Any) -> Recipe:
    """The recipe, judging nights of two rollouts and more by `bands`."""
    recipe = load_recipe("drp")
    wide = {"right_share": (0, 1), "accepted_share": (0, 1), "median_saving": (0, 1), "min_rollouts": 2}
    gates = recipe.gates.model_copy(update={"night": NightBands(**(wide | bands))})
    return recipe.model_copy(update={"gates": gates})


def sentences(result: ContractResult) -> list[str]:
    return [f"{failure.suite}: {failure.sentence}" for failure in result.failures]


def test_a_good_night_passes(check: Any) -> None:
    result = check()
    assert sentences(result) == []
    assert result.success
    assert result.expectations > 50
    assert result.rows == 14 + 1


def test_an_empty_night_passes(check: Any) -> None:
    assert sentences(check(**{name: [] for name in CORPUS_TABLES})) == []


def test_an_accepted_revision_whose_text_says_another_answer_stops_the_night(check: Any) -> None:
    """Its columns say that it is equal: only the text knows better."""
    slipped = make_revision(response=WRONG)
    assert (slipped["verdict"], slipped["predicted_answer"]) == ("equal", "4")
    example = make_example()
    example["messages"][1]["content"] = f"<think>\n{PRUNED}\n</think>\n\n{WRONG}"
    result = check(revisions=[slipped, make_rejection()], examples=[example])
    assert [failure.expectation for failure in result.failures] == ["expect_answers_to_equal_gold"] * 2
    assert "accepted: expected that every accepted response ends in the gold answer; 1 of 1 rows" in sentences(
        result
    )[0]
    assert "v1" in sentences(result)[0]
    assert "\\\\boxed{5}" in sentences(result)[0]


@pytest.mark.parametrize("response", ["I do not know.", ""])
def test_an_accepted_revision_without_an_answer_stops_the_night(check: Any, response: str) -> None:
    result = check(revisions=[make_revision(response=response)], examples=[])
    assert "expect_answers_to_equal_gold" in [failure.expectation for failure in result.failures]


@pytest.mark.parametrize(
    ("sentence", "tables"),
    [
        ("questions: expected that every id occurs once", {"questions": [make_question(), make_question()]}),
        ("questions: expected that every question has text", {"questions": [make_question(question="")]}),
        (
            "rollouts: expected that every rollout is of a question that is there",
            {"rollouts": [make_rollout(), make_rollout(rollout_id="r2", question_id="q0")]},
        ),
        (
            "rollouts: expected that every finish reason is known",
            {"rollouts": [make_rollout(), make_rollout(rollout_id="r2", finish_reason="tired")]},
        ),
        (
            "rollouts: expected that there is a verdict exactly where there is an answer",
            {"rollouts": [make_rollout(), make_rollout(rollout_id="r2", verdict=None)]},
        ),
        (
            "rollouts: expected that a rollout is at least as long as its thinking",
            {"rollouts": [make_rollout(), make_rollout(rollout_id="r2", total_tokens=3)]},
        ),
        (
            "decompositions: expected that steps cover their trace from first to last character",
            {"steps": [make_step(0), make_step(1, char_start=24)]},
        ),
        (
            "decompositions: expected that steps cover their trace from first to last character",
            {"steps": [make_step(0), make_step(1, char_start=20)]},
        ),
        (
            "decompositions: expected that steps cover their trace from first to last character",
            {"steps": [make_step(0), make_step(1, char_end=40)]},
        ),
        (
            "decompositions: expected that steps cover their trace from first to last character",
            {"steps": [make_step(0) | {"step_index": 1}, make_step(1) | {"step_index": 0}]},
        ),
        (
            "decompositions: expected that every decomposition has as many steps as it says",
            {"decompositions": [make_decomposition(n_steps=3)]},
        ),
        ("steps: expected that every step has a skill", {"steps": [make_step(0, skill=" "), make_step(1)]}),
        (
            "steps: expected that every step is of a decomposition that is there",
            {"steps": [make_step(0), make_step(1), make_step(0, decomposition_id="d0")]},
        ),
        (
            "revisions: expected that every revision is of a rollout that is there",
            {"revisions": [make_revision(), make_rejection(rollout_id="r0")]},
        ),
        (
            "revisions: expected that every revision is of a decomposition of its own rollout",
            {"revisions": [make_revision(), make_rejection(decomposition_id="d1")]},
        ),
        (
            "revisions: expected that a rollout has one revision per recipe",
            {"revisions": [make_revision(), make_rejection(rollout_id="r1")]},
        ),
        (
            "revisions: expected that every status is known",
            {"revisions": [make_revision(), make_rejection(status="maybe")]},
        ),
        (
            "revisions: expected that an accepted revision has no reason for rejection",
            {"revisions": [make_revision(reject_reasons=["hollow"]), make_rejection()]},
        ),
        (
            "revisions: expected that a rejected revision has a reason",
            {"revisions": [make_revision(), make_rejection(reject_reasons=[])]},
        ),
        (
            "revisions: expected that every reason for rejection is known",
            {"revisions": [make_revision(), make_rejection("too_dull")]},
        ),
        (
            "revisions: expected that an accepted revision was graded equal to gold",
            {"revisions": [make_revision(verdict="undecided"), make_rejection()]},
        ),
        (
            "revisions: expected that an accepted revision has a cutting, texts, a length and a verdict",
            {"revisions": [make_revision(verdict=None), make_rejection()]},
        ),
        (
            "revisions: expected that an accepted revision is not longer than its rollout",
            {"revisions": [make_revision(tokens=900), make_rejection()]},
        ),
        (
            "revisions: expected that an accepted revision has a decision for every step",
            {"decisions": [make_decision(0)]},
        ),
        (
            "decisions: expected that every action is one of the four",
            {"decisions": [make_decision(0, action="SHRINK"), make_decision(1)]},
        ),
        (
            "decisions: expected that what is kept or compressed has text",
            {"decisions": [make_decision(0, revised_text=None), make_decision(1)]},
        ),
        (
            "decisions: expected that a MULTI-STEP COMPRESS, and nothing else, names",
            {"decisions": [make_decision(0, merged_with=[1]), make_decision(1)]},
        ),
        (
            "examples: expected that every example is of an accepted revision",
            {"examples": [make_example(), make_example(example_id="e2", revision_id="v2")]},
        ),
        (
            "examples: expected that no example is of a question that is measured on",
            {"questions": [make_question(split="Test")]},
        ),
        (
            "examples: expected that every example ends with the assistant, who begins with <think>",
            {"examples": [make_example(messages=[{"role": "assistant", "content": PRUNED + RESPONSE}])]},
        ),
        (
            "examples: expected that every example says what its revision says",
            {"revisions": [make_revision(thinking="Four, as two and two make."), make_rejection()]},
        ),
        (
            "examples: expected that every example has a positive weight",
            {"examples": [make_example(weight=0.0)]},
        ),
    ],
)
def test_what_stops_a_night(check: Any, sentence: str, tables: dict[str, list[Row]]) -> None:
    result = check(**tables)
    assert not result.success
    assert any(found.startswith(sentence) for found in sentences(result)), sentences(result)


def test_a_reason_before_a_teacher_is_needed_no_cutting(check: Any) -> None:
    """A rejected revision lacks cutting, texts and decisions, and that is as it should be."""
    rollout = make_rollout(rollout_id="r2", predicted_answer=None, verdict=None, answer_source=None)
    assert check(rollouts=[make_rollout(), rollout], revisions=[make_revision(), make_rejection()]).success


@pytest.mark.parametrize(
    ("bands", "observed"),
    [
        ({"right_share": (0.6, 1)}, "right_share '0.5'"),
        ({"accepted_share": (0, 0.9)}, "accepted_share '1.0'"),
        ({"median_saving": (0.9, 1)}, "median_saving '0.3"),
    ],
)
def test_a_night_outside_a_band_is_stopped_with_the_value_and_the_band(
    check: Any, bands: dict[str, Any], observed: str
) -> None:
    result = check(judged(**bands))
    ((failure),) = result.failures
    low, high = next(iter(bands.values()))
    assert f"is within {float(low)} to {float(high)}" in failure.sentence
    assert observed in failure.sentence


def test_a_small_night_is_not_judged_by_its_shares(check: Any) -> None:
    assert check(judged(right_share=(0.6, 1), min_rollouts=3)).success


def test_a_night_that_accepted_nothing_is_outside_its_band(check: Any) -> None:
    recipe = judged(accepted_share=(0.1, 1))
    result = check(recipe, revisions=[make_rejection("hollow", rollout_id="r1"), make_rejection()], examples=[])
    assert any("end accepted is within 0.1" in sentence for sentence in sentences(result))


def test_batches_add_up(check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "BATCH_ROWS", 2048)
    numbers = range(5000)
    questions = [make_question(question_id=f"q{n}", question="" if n % 2 else "x") for n in numbers]
    result = check(questions=[make_question(), *questions[2:]])
    assert "questions: expected that every question has text; 2499 of 4999 rows differ" in sentences(result)[0]
    assert result.rows == 14 + 1 + 4998


def test_the_docs_are_a_site_of_every_suite_without_secrets(
    check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-do-not-print-me")
    result = check(examples=[make_example(weight=0.0)])
    pages = [page.read_text() for page in result.docs.parent.rglob("*.html")]
    assert result.docs.name == "index.html"
    assert len(pages) == 1 + 10 + 10
    assert any("every example has a positive weight" in page and "Failed" in page for page in pages)
    assert not any("sk-do-not-print-me" in page for page in pages)


def test_a_quarantined_night_says_what_to_do(check: Any) -> None:
    result = check(revisions=[make_revision(response=WRONG), make_rejection("too_dull")])
    message = str(NightQuarantinedError("2026-11-20", result))
    assert "run 2026-11-20 is quarantined" in message
    assert "every reason for rejection is known" in message
    assert "Nothing was published and the old corpus stays current" in message
    assert str(result.docs) in message
    assert message.endswith("drp report 2026-11-20, and if the night is right all the same drp corpus release 2026-11-20")
