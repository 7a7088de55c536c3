"""The contract stops a run that must not be published, and its messages name what is wrong."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pytest

from drp.config.gates import NightBands
from drp.config.recipe import Recipe, load_recipe
from drp.core.lake_schemas import CORPUS_TABLES
from drp.gates.great_expectations import validate as contract
from drp.gates.great_expectations.validate import ContractResult, NightQuarantinedError, check_night
from drp.grading import Grader
from tests.helpers.row_factories import (
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

Check: TypeAlias = Callable[..., ContractResult]

WRONG = "The answer is \\boxed{5}."


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    with Grader() as ready:
        yield ready


@pytest.fixture
def check(grader: Grader, tmp_path: Path) -> Check:
    def run(recipe: Recipe | None = None, **tables: list[Row]) -> ContractResult:
        con = duckdb.connect()
        rows = good_night() | tables
        for name, schema in CORPUS_TABLES.items():
            con.register(name, pa.Table.from_pylist(rows[name], schema=schema))
        return check_night(con, recipe or load_recipe("drp"), tmp_path / "docs", grader)

    return run


def good_night() -> dict[str, list[Row]]:
    """Return consistent rows of every table. A kept step keeps its text, so its decision has none."""
    return one_of_each() | {"decisions": [make_decision(0, revised_text=None), make_decision(1)]}


def judged(**bands: Any) -> Recipe:
    """Return the recipe with `bands` for runs of at least two rollouts."""
    recipe = load_recipe("drp")
    wide = {"right_share": (0, 1), "accepted_share": (0, 1), "median_saving": (0, 1), "min_rollouts": 2}
    gates = recipe.gates.model_copy(update={"night": NightBands(**(wide | bands))})
    return recipe.model_copy(update={"gates": gates})


def sentences(result: ContractResult) -> list[str]:
    return [f"{failure.suite}: {failure.sentence}" for failure in result.failures]


def family(name: str, changes: dict[str, Row]) -> dict[str, list[Row]]:
    """Return an accepted revision and all rows it refers to, with ids ending in `name`.

    `changes` are columns by table; `step` and `decision` change the second one only.
    """
    question, rollout, decomposition, revision = f"q-{name}", f"r-{name}", f"d-{name}", f"v-{name}"
    steps = [make_step(n, decomposition_id=decomposition) for n in (0, 1)]
    decisions = [make_decision(n, revision_id=revision, revised_text=None) for n in (0, 1)]
    steps[1] |= changes.get("step", {})
    decisions[1] |= changes.get("decision", {})
    rows = {
        "questions": [make_question(question_id=question)],
        "rollouts": [make_rollout(rollout_id=rollout, question_id=question)],
        "decompositions": [make_decomposition(decomposition_id=decomposition, rollout_id=rollout)],
        "steps": steps,
        "revisions": [
            make_revision(revision_id=revision, rollout_id=rollout, decomposition_id=decomposition)
        ],
        "decisions": decisions,
        "examples": [make_example(example_id=f"e-{name}", question_id=question, revision_id=revision)],
    }
    return {table: [row | changes.get(table, {}) for row in rows[table]] for table in rows}


def messages(text: str) -> Row:
    return {"messages": [{"role": "assistant", "content": text}]}


OUTCOME = re.compile(r"expected that (.*); (\d+) of \d+ rows differ: (.*)")

# Changes to an otherwise good family, and the sentences of the failed expectations with the row that each
# names.
COVER = "steps cover their trace from first to last character without gap or overlap"
ANSWER = "every accepted response ends in the gold answer"
TAUGHT = "every example ends in the gold answer"
TEXT = "a compression has exactly one text, and a kept or deleted step has none"
SAME = "every example contains the texts of its revision"
FAULTS: list[tuple[dict[str, Row], dict[str, str]]] = [
    ({}, {}),
    ({"questions": {"gold_answer": "4.0"}}, {}),
    ({"questions": {"question": ""}}, {"every question has text": "q"}),
    ({"questions": {"split": "Test"}}, {"no example belongs to an evaluation question": "e"}),
    ({"rollouts": {"finish_reason": "tired"}}, {"every finish reason is known": "r"}),
    ({"rollouts": {"verdict": "maybe"}}, {"every verdict is known": "r"}),
    ({"rollouts": {"verdict": None}}, {"there is a verdict if and only if there is an answer": "r"}),
    ({"rollouts": {"think_tokens": 999}}, {"a rollout is at least as long as its thinking": "r"}),
    ({"rollouts": {"sample_index": -1}}, {"sample indexes are not negative": "r"}),
    ({"decompositions": {"kind": "guess"}}, {"every kind of decomposition is known": "d"}),
    ({"decompositions": {"rollout_id": "r-0"}}, {
        "every revision uses a decomposition of its rollout": "v",
    }),
    ({"step": {"char_start": 24}}, {COVER: "d"}),
    ({"step": {"char_start": 20}}, {COVER: "d"}),
    ({"step": {"char_end": 40}}, {COVER: "d"}),
    ({"step": {"step_index": 2}}, {COVER: "d"}),
    ({"decompositions": {"n_steps": 3}}, {
        "every decomposition has n_steps steps": "d",
        "an accepted revision has a decision for every step": "v",
    }),
    ({"step": {"skill": " "}}, {"every step has a skill": "s"}),
    ({"revisions": {"status": "maybe"}, "examples": {"revision_id": "v1"}}, {"every status is known": "v"}),
    ({"revisions": {"reject_reasons": ["hollow"]}}, {
        "an accepted revision has no reason for rejection": "v",
    }),
    ({"revisions": {"status": "rejected"}}, {
        "a rejected revision has a reason": "v",
        "every example belongs to an accepted revision": "e",
    }),
    ({"revisions": {"reject_reasons": ["too_dull"], "status": "rejected"}, "examples": {"revision_id": "v1"}},
     {"every reason for rejection is known": "v"}),
    ({"revisions": {"verdict": "undecided"}}, {"an accepted revision was graded equal to gold": "v"}),
    ({"revisions": {"verdict": None}}, {
        "an accepted revision has a decomposition, texts, a length and a verdict": "v",
    }),
    ({"revisions": {"tokens": 900}}, {"an accepted revision is not longer than its rollout": "v"}),
    ({"revisions": {"tokens": 900, "token_counter": "another"}}, {}),
    ({"revisions": {"response": WRONG}, "examples": messages(f"<think>\n{PRUNED}\n</think>\n\n{WRONG}")}, {
        ANSWER: "v", TAUGHT: "e",
    }),
    ({"revisions": {"response": "Ah."}, "examples": messages(f"<think>\n{PRUNED}\n</think>\n\nAh.")}, {
        ANSWER: "v", TAUGHT: "e",
    }),
    ({"decision": {"action": "KEEP"}}, {}),
    ({"decision": {"action": "SHRINK"}}, {"every action is one of the four": "c"}),
    ({"decision": {"action": "KEEP", "revised_text": "x"}}, {TEXT: "c"}),
    ({"decision": {"action": "SINGLE-STEP COMPRESS"}}, {TEXT: "c"}),
    ({"decision": {"action": "SINGLE-STEP COMPRESS", "revised_text": "x"}}, {}),
    ({"decision": {"merged_with": [0]}}, {
        "a MULTI-STEP COMPRESS, and no other action, names the steps merged with it": "c",
    }),
    ({"decision": {"step_index": 0}}, {"an accepted revision has a decision for every step": "v"}),
    ({"examples": messages(f"{PRUNED}\n</think>\n\n{RESPONSE}")}, {
        "every example ends with an assistant message that starts with <think>": "e",
    }),
    ({"examples": messages(f"<think>\nFour.\n</think>\n\n{RESPONSE}")}, {SAME: "e"}),
    ({"examples": {"weight": 0.0}}, {"every example has a positive weight": "e"}),
    ({"examples": {"question_id": "q-none"}}, {
        "every example belongs to an existing question": "e", TAUGHT: "e",
    }),
]  # fmt: skip


def test_each_fault_breaks_what_it_should_and_nothing_else(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contract, "MAX_EXAMPLES", len(FAULTS))
    tables = good_night()
    names = dict.fromkeys("qrdve", "{kind}-{number}") | {"s": "d-{number}-s1", "c": "v-{number}-s1"}
    expected = set()
    for number, (changes, broken) in enumerate(FAULTS):
        for table, rows in family(str(number), changes).items():
            tables[table] += rows
        expected |= {
            (sentence, names[kind].format(kind=kind, number=number)) for sentence, kind in broken.items()
        }
    result = check(**tables)
    found: set[tuple[str, str]] = set()
    for failure in result.failures:
        sentence, count, rows = OUTCOME.fullmatch(failure.sentence).groups()
        named = re.findall(r"(?:^|\), )(\S+) \(", rows)
        assert len(named) == int(count)
        found |= {(sentence, row) for row in named}
    assert found == expected


def test_rows_that_occur_twice_or_refer_to_nothing(check: Check) -> None:
    broken = sentences(
        check(
            questions=[make_question(), make_question()],
            rollouts=[make_rollout(), make_rollout(rollout_id="r2", question_id="q0")],
            steps=[make_step(0), make_step(1), make_step(0, decomposition_id="d0")],
            revisions=[
                make_revision(),
                make_rejection(rollout_id="r1"),
                make_rejection(revision_id="v3", rollout_id="r0"),
            ],
            decisions=[make_decision(1), make_decision(1, revision_id="v0")],
        )
    )
    for start in (
        "questions: expected that every id occurs once; 2 of 2 rows differ: q1",
        "rollouts: expected that every rollout belongs to an existing question; 1 of 2 rows differ: r2",
        "steps: expected that every step belongs to an existing decomposition; 1 of 3 rows differ: d0-s0",
        "revisions: expected that a rollout has one revision per recipe; 2 of 3 rows differ: v",
        "revisions: expected that every revision belongs to an existing rollout; 1 of 3 rows differ: v3",
        "decisions: expected that every decision belongs to an existing revision; 1 of 2 rows differ: v0-s1",
    ):
        assert any(sentence.startswith(start) for sentence in broken), (start, broken)


def test_a_good_night_passes(check: Check) -> None:
    result = check()
    assert sentences(result) == []
    assert result.success
    assert result.expectations > 60
    assert result.rows == 14


def test_a_first_night_without_a_row_passes(check: Check) -> None:
    assert sentences(check(**{name: [] for name in CORPUS_TABLES})) == []


def test_an_accepted_revision_whose_text_says_another_answer_is_quarantined(check: Check) -> None:
    """Its columns say that the answers are equal, but its text has another answer."""
    slipped = make_revision(response=WRONG)
    assert (slipped["verdict"], slipped["predicted_answer"]) == ("equal", "4")
    result = check(revisions=[slipped, make_rejection()], examples=[])
    ((failure),) = result.failures
    assert (failure.suite, failure.expectation) == ("accepted", "expect_answers_to_equal_gold")
    assert "1 of 1 rows differ: v1" in failure.sentence

    message = str(NightQuarantinedError("2026-11-20", result))
    assert "run 2026-11-20 is quarantined" in message
    assert failure.sentence in message
    assert "Nothing was published and the old corpus stays current" in message
    assert str(result.docs) in message
    assert message.endswith(
        "drp report 2026-11-20, then drp corpus release 2026-11-20 if it should be published anyway"
    )


def test_what_cannot_be_checked_does_not_pass(tmp_path: Path) -> None:
    """A grader that is gone stops the night instead of letting it through."""

    class Gone:
        def verdicts(self, pairs: object) -> object:
            raise OSError("the grader is gone")

    con = duckdb.connect()
    for name, schema in CORPUS_TABLES.items():
        con.register(name, pa.Table.from_pylist(good_night()[name], schema=schema))
    result = check_night(con, load_recipe("drp"), tmp_path / "docs", Gone())  # type: ignore[arg-type]
    assert [failure.suite for failure in result.failures] == ["accepted", "examples"]
    assert all("could not be checked: the grader is gone" in sentence for sentence in sentences(result))


def test_a_night_outside_its_bands_is_stopped_with_value_and_band(check: Check) -> None:
    """Half of the rollouts are right, all of those are accepted, and four tenths are saved."""
    result = check(judged(right_share=(0.6, 1), accepted_share=(0, 0.9), median_saving=(0.9, 1)))
    right, accepted, saving = sentences(result)
    assert "within 0.6 to 1.0; 1 of 1 rows differ: night (right_share 0.5)" in right
    assert "within 0.0 to 0.9; 1 of 1 rows differ: night (accepted_share 1)" in accepted
    assert "within 0.9 to 1.0; 1 of 1 rows differ: night (median_saving 0.4026)" in saving


def test_a_small_night_is_not_judged_by_its_shares(check: Check) -> None:
    assert check(judged(right_share=(0.6, 1), median_saving=(0.9, 1), min_rollouts=3)).success


def test_a_night_that_accepted_nothing_is_outside_its_band(check: Check) -> None:
    revisions = [make_rejection("hollow", rollout_id="r1", revision_id="v1"), make_rejection()]
    result = check(judged(accepted_share=(0.1, 1)), revisions=revisions, examples=[])
    ((sentence),) = sentences(result)
    assert "night (accepted_share 0)" in sentence


def test_batches_add_up(check: Check) -> None:
    questions = [make_question(question_id=f"n{n}", question="" if n % 2 else "x") for n in range(25_000)]
    result = check(questions=[make_question(), *questions])
    ((sentence),) = sentences(result)
    assert "questions: expected that every question has text; 12500 of 25001 rows differ: n" in sentence
    assert sentence.count("question_length") == 3
    assert result.rows == 14 + 25_000


def test_the_docs_are_a_site_that_needs_no_network_and_holds_no_secret(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-do-not-print-me")
    check(examples=[make_example(weight=-1.0)])
    result = check(examples=[make_example(weight=0.0)])
    index_page = Path(result.docs)
    pages = {page: page.read_text() for page in index_page.parent.rglob("*.html")}
    assert len(pages) == 1 + 10 + 10
    assert not any("sk-do-not-print-me" in text for text in pages.values())
    assert not any(re.search(r"<script|<(?:link|img)[^>]*https?:", text) for text in pages.values())

    index = pages[index_page]
    assert "Failed expectations: 1" in index
    assert "every example has a positive weight; 1 of 1 rows differ: e1 (weight 0)" in index
    linked = [index_page.parent / unquote(link) for link in re.findall(r'href="([^"]+)"', index)]
    assert len(linked) == 10
    (examples,) = (pages[page] for page in linked if "validations/examples/" in str(page))
    assert "every example has a positive weight" in examples
    assert "Failed" in examples
