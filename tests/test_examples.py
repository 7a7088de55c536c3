"""The examples run as their docstrings say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.lake_runs import publish
from tests.helpers.nights import lake_at
from tests.helpers.repository import ROOT
from tests.helpers.row_factories import make_question, make_revision, make_rollout

EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.py"))


def run(name: str, lake: Path) -> subprocess.CompletedProcess[str]:
    """Run an example in the checkout's root, with this lake."""
    return subprocess.run(
        [sys.executable, f"examples/{name}.py"],
        cwd=ROOT,
        env={**os.environ, "DRP_LAKE": str(lake)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_short_and_says_how_it_is_run(name: str) -> None:
    text = (ROOT / f"examples/{name}.py").read_text()
    assert f"    .venv/bin/python examples/{name}.py\n" in text
    assert len(text.splitlines()) < 80


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("prune_one_trace", ["DELETE ", "KEEP ", "SINGLE-STEP COMPRESS ", "becomes:", "% shorter"]),
        ("custom_teacher", ["DELETE  Hmm, is that all?", "KEEP    So 42 - 5 = 37", "\\boxed{37}"]),
        (
            "custom_curation",
            ["r1  What is 2 + 3?  'Hmm, let me add.", "r2  What is 2 + 3?  '2 + 3 = 5.'", "r3  "],
        ),
    ],
)
def test_it_needs_no_lake(name: str, said: list[str], tmp_path: Path) -> None:
    done = run(name, tmp_path / "lake")
    assert (done.returncode, done.stderr) == (0, "")
    assert [words for words in said if words not in done.stdout] == []
    assert not (tmp_path / "lake").exists()


def test_the_corpus_is_queried(tmp_path: Path) -> None:
    with lake_at(tmp_path / "lake") as lake:
        rows = {"questions": [make_question()], "rollouts": [make_rollout()], "revisions": [make_revision()]}
        publish(lake, "2026-11-20-drp", rows)
    done = run("query_corpus", tmp_path / "lake")
    assert (done.returncode, done.stderr) == (0, "")
    assert "tokens saved" in done.stdout
    assert "Largest saving" in done.stdout


def test_an_empty_lake_says_what_to_run_first(tmp_path: Path) -> None:
    done = run("query_corpus", tmp_path / "lake")
    assert done.returncode == 1
    assert "Run a night first: .venv/bin/drp nightly" in done.stderr


def test_all_examples_are_run() -> None:
    assert EXAMPLES == ["custom_curation", "custom_teacher", "prune_one_trace", "query_corpus"]
