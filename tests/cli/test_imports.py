"""`drp import`: the dry run shows how a file would be read, and dead letters come with what mends them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from drp.config import settings

Drp: TypeAlias = Callable[..., tuple[int, str, str]]
THINKING = "I add one and one, which makes two. Let me check it: one and one are two."


@pytest.fixture(autouse=True)
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("DRP_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("DRP_DATABASE_URL", f"sqlite:///{tmp_path}/drp.db")
    monkeypatch.setenv("DRP_WORKERS", "1")
    settings.cache_clear()
    yield tmp_path / "lake"
    settings.cache_clear()


def row(number: int, **values: Any) -> dict[str, Any]:
    return {
        "question": f"What is 1 + {number}?",
        "output": f"<think>{THINKING}</think>It is {number + 1}.",
        "answer": str(number + 1),
        "license": "mit",
    } | values


def write(name: str, *rows: dict[str, Any]) -> str:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return name


def test_a_dry_run_shows_the_guess_and_three_rows(drp: Drp, lake: Path) -> None:
    rows = [row(n, reasoning="on") for n in range(5)]
    rows[1]["output"] = "No thinking."
    rows[2] = row(2, output=[rows[0]["output"], f"<think>Another way. {THINKING}</think>It is 3."])
    status, out, error = drp("import", "traces", write("t.jsonl", *rows), "--student", "r1", "--dry-run")
    assert status == 0, error
    text = " ".join(out.split())
    for expected in (
        "question │ question │ values in 5 rows",
        "response │ output",
        "not used: reasoning holds labels (on), not reasoning",
        f"thinking │ {THINKING}",
        "response │ It is 1.",
        "student │ r1",
        'meta │ {"license": "mit"',
        "dead letter │ no_thinking",
        "line 3, generation 2",
        "thinking │ Another way.",
        "first 6 items: 5 traces, 1 no_thinking. Nothing was imported.",
    ):
        assert expected in text, expected
    assert "What is 1 + 3?" not in out
    assert not lake.exists()


def test_a_dry_run_of_questions(drp: Drp) -> None:
    status, out, _ = drp("import", "questions", write("q.jsonl", row(1, level=3)), "--dry-run")
    assert status == 0
    assert "level" in out
    assert "first 1 items: 1 questions" in out


def test_a_doubtful_guess_is_refused_with_the_command_that_settles_it(drp: Drp) -> None:
    file = write("t.jsonl", row(1, problem="What is 2 + 2?"))
    status, _, error = drp("import", "traces", file, "--student", "r1", "--dry-run")
    assert status == 1
    assert "question and problem both may be the question" in error
    assert "drp import traces t.jsonl --student r1 --map question=question+problem" in error
    status, out, _ = drp("import", "traces", file, "--student", "r1", "--map", "question=problem")
    assert status == 0
    assert "rollouts" in out


def test_dead_letters_are_summed_up_with_their_mend(drp: Drp, caplog: pytest.LogCaptureFixture) -> None:
    bad = [row(n, output=f"No thinking {n}.") for n in (7, 8, 9)]
    file = write("t.jsonl", row(1), *bad, row(1), row(5, answer=""))
    mended = "Next: drp import traces t.jsonl --student r1 --map"
    for _ in range(2):  # the second time, all rows are known
        caplog.clear()
        status, _, error = drp("import", "traces", file, "--student", "r1")
        assert status == 0, error
        thinking, duplicate, gold = caplog.messages
        assert thinking == (
            "3 rows: no_thinking, first in line 2 (no column holds reasoning, and no marks of thinking are "
            f"in the response). {mended} thinking=COLUMN, or leave these rows out: "
            "there is no trace to prune"
        )
        assert duplicate.startswith("1 row: duplicate, first in line 5 (the same as line 1). Next: nothing")
        assert gold.startswith("1 row: no_gold_answer, first in line 6 (the gold answer is empty).")
        assert f"{mended} gold_answer=COLUMN" in gold


def test_shards_and_standard_input(drp: Drp) -> None:
    files = [write("a.jsonl", row(1)), write("b.jsonl", row(2))]
    status, out, error = drp("import", "traces", *files, "--student", "r1")
    assert status == 0, error
    assert "2 rows" in out
    status, _, error = drp("import", "questions", "-", stdin=json.dumps(row(3)))
    assert status == 0, error
    query = "SELECT question, source, meta->>'license' AS license FROM questions ORDER BY ALL"
    status, out, _ = drp("sql", query, "--format", "json")
    assert status == 0
    found = json.loads(out)
    assert [one["question"] for one in found] == [f"What is 1 + {n}?" for n in (1, 2, 3)]
    assert found[2]["source"] == "stdin"
    assert {one["license"] for one in found} == {"mit"}
