"""Decisions against labelled sentences: what counts as kept, the figures, and the program on made-up rows."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import step_importance
from benchmarks.importance_measures import auc, auc_in_place, measures_of, relative_mean, top_kept
from benchmarks.kept_text import actions, deleted_in, kept_shares
from benchmarks.labelled_traces import (
    IMPORTANCES,
    PLANTED,
    LabelledTrace,
    laid_out,
    planted_steps,
    spans_of,
    thought_anchors,
)
from benchmarks.step_importance import Decided, Figure, figures, over_questions
from drp.config.settings import settings
from drp.core.records import Decision, Draft, Step, StudentTrace
from drp.evaluation.intervals import Floats
from tests.fake_provider import provider
from tests.fake_provider.teachers import as_teacher
from tests.helpers.nights import lake_at
from tests.helpers.shared_data import shared_file

SENTENCES = (
    "We have 3 bags.",
    "Hmm, let me see.",
    "Each has 4 balls.",
    "So 3 * 4 = 12.",
    "The answer is 12.",
)
QUESTION = "There are 3 bags with 4 balls each and 2 boxes with 5 balls each. How many balls are there?"
PROCESS = (
    "The bags have $3 \\cdot 4 = 12$ balls.",
    "Let me double-check that: $3 \\cdot 4 = 12$. Yes, that is correct.",
    "The boxes have $2 \\cdot 5 = 10$ balls.",
    "So there are $12 + 10 = 22$ balls.",
    "The answer is $22$.",
)


def draft(*decisions: Decision) -> Draft:
    """A draft of SENTENCES with a step for each sentence."""
    thinking = " ".join(SENTENCES)
    steps = [Step(start, end, "other", "other") for start, end in spans_of(thinking, SENTENCES)]
    return Draft(StudentTrace("r", "q", thinking, "12", "12"), steps, decisions)


def shares(*decisions: Decision) -> list[float]:
    """What is kept of each of SENTENCES."""
    made = draft(*decisions)
    return kept_shares(made, spans_of(made.trace.thinking, SENTENCES)).tolist()


def keep(index: int) -> Decision:
    return Decision(index, "KEEP", None, "derivation")


def test_pieces_are_found_whatever_the_white_space() -> None:
    assert spans_of("\na b\n\nc  d e", ["a\nb", "c d"]) == [(1, 4), (6, 10)]
    with pytest.raises(ValueError, match="not those of the text"):
        spans_of("a b c", ["a", "c"])
    with pytest.raises(ValueError, match="not those of the text"):
        spans_of("a b", ["a", " ", "b"])


def test_kept_and_deleted_steps() -> None:
    delete = Decision(1, "DELETE", None, "doubt")
    assert shares(keep(0), delete, keep(2), keep(3), keep(4)) == [1, 0, 1, 1, 1]


def test_a_compressed_step_keeps_the_words_that_its_new_text_has() -> None:
    made = replace(draft(), steps=[Step(0, len(" ".join(SENTENCES)), "other", "other")])
    text = "We have 3 bags. Each has 4 balls. 3 * 4 = 12."
    compressed = replace(made, decisions=[Decision(0, "SINGLE-STEP COMPRESS", text, "part_removed")])
    kept = kept_shares(compressed, spans_of(made.trace.thinking, SENTENCES))
    assert min(kept[[0, 2]]) > 0.9  # the full stop may be that of the sentence after it
    assert 0.5 < kept[3] < 1  # without "So"
    assert max(kept[[1, 4]]) < 0.5


def test_merged_steps_are_aligned_together() -> None:
    merge = Decision(0, "MULTI-STEP COMPRESS", "We have 3 bags, each has 4 balls.", "merged", (2,))
    delete = Decision(1, "DELETE", None, "doubt")
    other = Decision(2, "MULTI-STEP COMPRESS", None, "merged", (0,))
    kept = shares(merge, delete, other, keep(3), keep(4))
    assert kept[1] == 0
    assert kept[0] > 0.9 < kept[2]
    made = draft(merge, delete, other, keep(3), keep(4))
    assert [action for action, _ in actions(made, [(0, 10), (16, 30), (33, 50)])] == [
        *("MULTI-STEP COMPRESS", "DELETE", "MULTI-STEP COMPRESS")
    ]


def test_as_many_characters_go() -> None:
    sizes, order = np.array([10.0, 20, 30, 40]), np.array([3, 0, 1, 2])
    assert deleted_in(order, sizes, 0).tolist() == [1, 1, 1, 1]
    assert deleted_in(order, sizes, 52).tolist() == [0, 1, 1, 0]
    assert deleted_in(order, sizes, 64).tolist() == [0, 0, 1, 0]
    assert deleted_in(order, sizes, 100).tolist() == [0, 0, 0, 0]


def test_measures_of_one_trace() -> None:
    labels, kept = np.array([4.0, 3, 2, 1]), np.array([1.0, 0, 1, 0])
    assert auc(labels, kept) == 0.75
    assert auc(np.ones(4), kept) == 0.5
    assert np.isnan(auc(labels, np.ones(4)))
    assert relative_mean(labels, kept) == pytest.approx(3 / 2.5)
    assert top_kept(labels, kept) == 1.0
    assert top_kept(labels, 1 - kept) == 0.0
    assert measures_of(IMPORTANCES[0])["importance kept"](labels, np.ones(4), kept) == 0.6
    planted = measures_of(PLANTED)
    truth = np.array([0.0, 1, 0, 1])
    assert planted["planted deleted"](truth, np.ones(4), kept) == 1.0
    assert planted["others deleted"](truth, np.ones(4), kept) == 0.0
    assert planted["AUC"](truth, np.ones(4), 1 - kept) == 0.0


def test_in_place_does_not_reward_cutting_off_the_end() -> None:
    falling = np.repeat(np.arange(10.0)[::-1], 10)  # the same importance within each tenth
    beginning = (np.arange(100) < 45).astype(float)
    assert auc(falling, beginning) > 0.95
    assert auc_in_place(falling, beginning) == 0.5
    every_second = np.tile([1.0, 0.0], 50)
    assert auc_in_place(falling + every_second / 2, every_second) == 1.0
    assert auc_in_place(falling - every_second / 2, every_second) == 0.0
    assert np.isnan(auc_in_place(falling, np.repeat([1.0, 0.0], 50)))


def made_traces(kept_of: Callable[[Floats], Floats]) -> list[Decided]:
    """Thirty traces of ten questions with random importances, and what `kept_of` keeps of them."""
    rng = np.random.default_rng(3)
    traces = []
    for number in range(30):
        labels = rng.exponential(size=40)
        trace = StudentTrace(str(number), f"question {number % 10}", "", "", "")
        labelled = LabelledTrace(trace, [], {IMPORTANCES[0]: labels})
        traces.append(Decided(labelled, Draft(trace), kept_of(labels), np.full(40, 10.0)))
    return traces


def measured(kept_of: Callable[[Floats], Floats], seed: int = 0) -> Mapping[str, Figure]:
    return figures(made_traces(kept_of), IMPORTANCES[0], 40, seed)


def test_a_teacher_that_knows_the_importance_is_told_from_one_that_does_not() -> None:
    knowing = measured(lambda labels: (labels > np.median(labels)).astype(float))["AUC"]
    blind = measured(lambda labels: (np.arange(len(labels)) % 2).astype(float))["AUC"]
    assert knowing.teacher.value == 1.0
    assert knowing.gain.low > 0.4
    assert blind.gain.low < 0 < blind.gain.high
    for figure in (knowing, blind):
        assert figure.random.low < 0.5 < figure.random.high
        assert figure.random.high - figure.random.low < 0.1


def test_the_same_length_is_deleted_in_every_way() -> None:
    length = measured(lambda labels: (labels > 1).astype(float))["length kept"]
    assert length.teacher.value == pytest.approx(length.random.value) == pytest.approx(length.first)
    assert length.first == pytest.approx(length.last)


def test_first_means_that_the_first_sentences_are_kept() -> None:
    labels, half = np.arange(40.0)[::-1], (np.arange(40) % 2).astype(float)
    traces = [
        replace(trace, labelled=replace(trace.labelled, labels={IMPORTANCES[0]: labels}), kept=half)
        for trace in made_traces(np.ones_like)
    ]
    found = figures(traces, IMPORTANCES[0], 5, 0)["AUC"]
    assert (found.first, found.last) == (1.0, 0.0)


def test_a_seed_gives_the_same_figures_again() -> None:
    def some(labels: Floats) -> Floats:
        return (labels > 1).astype(float)

    assert measured(some, 1) == measured(some, 1) != measured(some, 2)


def test_intervals_count_questions_and_not_traces() -> None:
    values = np.repeat([0.2, 0.4, 0.6, 0.8], 25)
    of_few = over_questions(values, np.repeat(list("abcd"), 25).tolist())
    of_many = over_questions(values, [str(number) for number in range(100)])
    assert of_few.value == of_many.value == pytest.approx(0.5)
    assert of_few.high - of_few.low > 3 * (of_many.high - of_many.low)


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with a few rows of each file."""
    labels = [{name: float(number == 3) for name in IMPORTANCES} for number in range(len(SENTENCES))]
    anchors = [
        {
            **{"id": name, "question": f"{name}: 3 bags have 4 balls each. How many balls?", "answer": "12"},
            **{"steps": SENTENCES, "labels": json.dumps(labels), "source_path": f"{name}/chunks.json"},
        }
        for name in ("a", "b")
    ]
    write(tmp_path / "steps_thought_anchors.parquet", anchors)
    text = {"thinking": "\n\n".join(SENTENCES), "response": "$3 \\cdot 4 = \\boxed{12}$"}
    write(tmp_path / "traces.parquet", [{"source_path": "a/base.json", **text}])
    process = {"question": QUESTION, "steps": PROCESS}
    names = ("redundency", "redundency", "circular", "confidence")
    rows = [
        {
            "id": f"p{row}",
            "dataset": f"prmbench/{name}",
            **process,
            "labels": json.dumps({"error_steps": [2]}),
        }
        for row, name in enumerate(names)
    ]
    rows.append({**rows[0], "id": "no such step", "labels": json.dumps({"error_steps": [2, 9]})})
    rows.append({**rows[0], "id": "no answer", "question": "Unknown?"})
    write(tmp_path / "steps_prmbench.parquet", rows)
    write(tmp_path / "math.parquet", [{"question": QUESTION + " ", "answer": "22"}])
    return tmp_path


def test_what_is_read(data: Path) -> None:
    with_text, without = thought_anchors(data)
    assert (with_text.trace.thinking, with_text.trace.answer) == ("\n\n".join(SENTENCES), "12")
    assert without.trace.thinking == " ".join(SENTENCES)
    assert laid_out(["So", "a = 1:", "It is.", "Is it?", "b"]) == "So\n\na = 1:\n\nIt is. Is it? b"
    assert without.trace.response == "The answer is $\\boxed{12}$."
    for labelled in (with_text, without):
        assert [labelled.trace.thinking[a:b] for a, b in labelled.spans] == list(SENTENCES)
        assert labelled.labels[IMPORTANCES[0]].tolist() == [0, 0, 0, 1, 0]
    read = planted_steps(data)
    ids = {name: [labelled.trace.rollout_id for labelled in traces] for name, traces in read.items()}
    assert ids == {"prmbench/redundency": ["p0", "p1"], "prmbench/circular": ["p2"]}
    assert read["prmbench/circular"][0].labels[PLANTED].tolist() == [0, 1, 0, 0, 0]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> dict[str, Any]:
    """Run the program and return its result file."""
    out = Path(arguments[0]) / "result.json"
    monkeypatch.setattr("sys.argv", ["step_importance", *arguments, "--out", str(out), "--draws", "5"])
    step_importance.main()
    document: dict[str, Any] = json.loads(out.read_text())
    return document


def test_the_program(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found = run(monkeypatch, str(data), "--show", "2")
    printed = capsys.readouterr().out
    assert found == run(monkeypatch, str(data), "--show", "2")
    redundant = [
        result
        for result in found["results"]
        if (result["data"], result["scope"]) == ("prmbench/redundency", "decided")
    ]
    assert [result["kind"] for result in redundant] == ["skill", "step", "sentence", "none"]
    for result in redundant:  # the planted check goes and the derivation stays
        assert result["traces"] == 2
        assert result["figures"]["planted deleted"]["teacher"]["value"] == 1.0
        assert result["figures"]["AUC"]["teacher"]["value"] > 0.8
    assert "prmbench/redundency, planted, 2 traces decided" in printed


@pytest.mark.services
def test_an_llm_teacher(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = run(monkeypatch, str(data))
    monkeypatch.setenv("DRP_DATABASE_URL", f"sqlite:///{tmp_path}/drp.db")
    with provider() as server, lake_at(tmp_path / "lake"):
        for name, value in as_teacher(server, tmp_path, "online").items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        asked = run(monkeypatch, str(data), "--teacher", "stand-in")
        assert server.totals()["billed"] > 0
    assert asked["teacher"] == "stand-in"
    # The provider's replies are those of the rules.
    for ours, theirs in zip(rules["results"], asked["results"], strict=True):
        assert ours["traces"] == theirs["traces"]
        assert ours["figures"].get("planted deleted") == theirs["figures"].get("planted deleted")


def test_the_real_sets_can_be_read() -> None:
    folder = shared_file("steps_prmbench.parquet").parent
    assert len(thought_anchors(folder)) == 40
    assert {name: len(traces) for name, traces in planted_steps(folder).items()} == {
        "prmbench/redundency": 532,
        "prmbench/circular": 504,
    }
