"""The small student in vLLM, offline and behind `vllm serve`: nights that are ended half-way and redone."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import yaml

from drp.config.recipe import RECIPES
from drp.config.settings import settings
from drp.core.records import Question
from drp.evaluation.statistics import Interval, pass_at_1
from drp.gates.reject_reasons import REASONS
from drp.grading.extract_answer import extract_answer
from drp.pipeline.nightly import nightly
from drp.query.session import select
from drp.questions.generators.generate import generate
from drp.runtime.context import RunContext, open_night
from drp.runtime.student_sampling import PIECE
from drp.student import small
from drp.traces.tokens import TokenCounter
from tests.helpers.nights import DAY, lake_at
from tests.helpers.repository import ROOT
from tests.vllm.server import Server, run_there, serve

pytestmark = pytest.mark.vllm


ENGINES = ("vllm", "server")
QUESTIONS, SAMPLES = 60, 10
ROLLOUTS = QUESTIONS * SAMPLES
PIECES = -(-ROLLOUTS // PIECE)
SAMPLING = {"samples": SAMPLES, "temperature": 0.6, "top_p": 0.95, "max_tokens": 131072, "seed": 0}
_LIMIT_S = 300


class Twice(NamedTuple):
    """A night that was done again, and what its first attempt had landed: pieces by name."""

    night: RunContext
    kept: dict[str, bytes]

    def rows(self, query: str) -> list[dict[str, Any]]:
        """What the lake holds."""
        return list(select(self.night.visible_parts(), query))


def write_recipe(folder: Path, engine: str, server: Server) -> str:
    """The recipe that ships, on few questions and in another engine."""
    document = yaml.safe_load((RECIPES / "drp.yaml").read_text())
    document |= {
        "questions": [{"source": "synthetic", "level": "small", "size": QUESTIONS, "seed": 0}],
        "engine": engine,
        "sampling": SAMPLING,
        "parallel": {},
        "evaluation": None,
        "promotion": None,
    }
    if engine == "server":
        document["server"] = {
            "base_url": server.base_url,
            "model": small.NAME,
            "api_key_env": "DRP_TEST_STUDENT_KEY",
        }
    path = folder / "drp.yaml"
    path.write_text(yaml.safe_dump(document))
    return str(path)


def done_twice(folder: Path, engine: str, server: Server) -> Twice:
    """A night that is ended when some of its pieces have landed, and begun anew."""
    recipe = write_recipe(folder, engine, server)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRP_DATABASE_URL", f"sqlite:///{folder}/drp.db")
        patch.setenv("DRP_TEST_STUDENT_KEY", server.key)
        with lake_at(folder / "lake"):
            night = open_night(recipe, DAY)
            pieces = folder / f"lake/_runs/{night.run_id}/rollout"
            command = [sys.executable, "-m", "drp.cli.main", "nightly", "--recipe", recipe, "--run-date", DAY]
            first = subprocess.Popen(command, cwd=ROOT)
            deadline = time.monotonic() + _LIMIT_S
            while not list(pieces.glob("*-*.json")):
                assert first.poll() is None, "it ended before anything had landed"
                assert time.monotonic() < deadline, "nothing lands"
                time.sleep(0.05)
            first.terminate()
            first.wait(_LIMIT_S)
            kept = {file.name: file.read_bytes() for file in pieces.glob("*.json")}
            nightly(night)
    settings.cache_clear()
    return Twice(night, kept)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Twice]:
    """One in each engine."""
    folder = tmp_path_factory.mktemp("rollouts")
    # Whole prompts: vLLM 0.32 on a CPU dies of a seed when a prompt is read in more than one go.
    whole = ("--no-enable-chunked-prefill", "--max-num-batched-tokens", "4096")
    with serve(small.WEIGHTS, small.NAME, folder / "log", *whole) as server:
        for engine in ENGINES:
            (folder / engine).mkdir()
        return {engine: done_twice(folder / engine, engine, server) for engine in ENGINES}


@pytest.fixture(params=ENGINES)
def twice(request: pytest.FixtureRequest, nights: dict[str, Twice]) -> Twice:
    return nights[request.param]


@pytest.fixture(scope="module")
def questions() -> dict[str, Question]:
    found = generate(QUESTIONS, seed=0, level="small", split="train")
    return {question.question_id: question for question in found}


@pytest.fixture(scope="module")
def said(
    tmp_path_factory: pytest.TempPathFactory, questions: dict[str, Question]
) -> dict[str, dict[str, Any]]:
    """What both engines say when they are asked themselves, by engine and sampling."""
    file = tmp_path_factory.mktemp("engines") / "said.json"
    sampling = {
        "sampled": SAMPLING | {"samples": 2},  # the first two of each question
        "greedy": {"temperature": 0},
        "cut": {"max_tokens": 30},
        "again": {"max_tokens": 30},
    }
    asked = {"questions": [vars(question) for question in questions.values()], "sampling": sampling}
    run_there("tests.vllm.engines", file, asked)
    return json.loads(file.read_text())


def share_of_right(questions: dict[str, Question], rows: list[dict[str, Any]]) -> Interval:
    """With the bounds of its 95 % interval; as many rows for each question."""
    right: dict[str, list[bool]] = {question: [] for question in questions}
    for row in rows:
        found = extract_answer(row["response"])
        is_right = found is not None and found.answer == questions[row["question_id"]].gold_answer
        right[row["question_id"]].append(is_right)
    return pass_at_1(np.array(list(right.values())))


def test_what_had_landed_is_kept_and_the_rest_is_asked_for(twice):
    assert 0 < len(twice.kept) < PIECES
    pieces = {done.shard for done in twice.night.shard_files("rollout") if "-" in done.shard}
    assert len(pieces) == PIECES
    for name, before in twice.kept.items():
        assert twice.night.run.store.get(f"_runs/{twice.night.run_id}/rollout/{name}") == before
    (found,) = twice.rows("SELECT count(*) AS n, count(DISTINCT rollout_id) AS ids FROM rollouts")
    assert found == {"n": ROLLOUTS, "ids": ROLLOUTS}


def test_every_rollout_is_accepted_or_rejected_with_a_reason(twice):
    (balance,) = twice.rows("FROM accounting")
    assert balance["adds_up"]
    assert balance["rollouts"] == ROLLOUTS == balance["accepted"] + balance["rejected"]
    assert balance["accepted"] > ROLLOUTS / 2
    reasons = twice.rows("SELECT DISTINCT unnest(reject_reasons) AS reason FROM revisions")
    assert {row["reason"] for row in reasons} <= REASONS.keys()
    assert twice.night.run.state().state == "published"


def test_lengths_are_those_of_the_students_tokens(twice):
    (student,) = twice.rows("FROM students")
    lengths = TokenCounter(small.WEIGHTS)
    assert (student["student"], student["rollouts"]) == (small.NAME, ROLLOUTS)
    assert (student["engine"], student["token_counter"]) == (twice.night.recipe.engine, lengths.name)
    for row in twice.rows("FROM rollouts WHERE finish_reason = 'stop'"):
        length = lengths.of(row["thinking"], row["response"], row["token_counter"])
        assert abs(length.total - row["total_tokens"]) <= 2  # blanks at the ends, and a server's stop token
        assert abs(length.thinking - row["think_tokens"]) <= 2


def test_both_nights_fill_the_same_tables_and_pass_the_same_gates(nights):
    def outcome(twice: Twice) -> tuple[set[str], int]:
        tables = {table for table, parts in twice.night.visible_parts().items() if parts}
        return tables, sum(done.counts["expectations"] for done in twice.night.shard_files("gate"))

    offline, served = map(outcome, nights.values())
    assert offline == served
    assert {"questions", "rollouts", "steps", "decisions", "revisions"} <= offline[0]
    assert offline[1] > 0


def test_as_many_are_right_as_in_transformers(twice, said, questions, capsys):
    theirs = share_of_right(questions, said["transformers"]["sampled"])
    ours = share_of_right(questions, twice.rows("FROM rollouts"))
    assert ours.low < theirs.high
    assert theirs.low < ours.high
    with capsys.disabled():
        print(f"\nright in {twice.night.recipe.engine}: {ours}\nin transformers: {theirs}")


def test_the_night_has_what_the_engine_says(nights, said):
    """Seeded by question and k, not by company: most are the same words in another batch."""
    night = {row["rollout_id"]: row["thinking"] for row in nights["vllm"].rows("FROM rollouts")}
    alone = {row["rollout_id"]: row["thinking"] for row in said["vllm"]["sampled"]}
    assert len(alone) == 2 * QUESTIONS
    assert sum(night[name] == alone[name] for name in alone) > 0.9 * len(alone)


def test_without_chance_both_engines_say_and_count_the_same(said):
    def told(engine: str) -> list[dict[str, Any]]:
        return [{**row, "engine": ""} for row in said[engine]["greedy"]]

    pairs = list(zip(told("vllm"), told("transformers"), strict=True))
    assert len(pairs) == QUESTIONS
    assert sum(ours == theirs for ours, theirs in pairs) >= 0.9 * QUESTIONS  # the rest is rounding
    assert all(ours["rollout_id"] == theirs["rollout_id"] for ours, theirs in pairs)


def test_what_is_cut_is_marked_and_has_no_response(said):
    for row in said["vllm"]["cut"]:
        assert (row["finish_reason"], row["total_tokens"], row["think_tokens"]) == ("length", 30, 30)
        assert row["thinking"]
        assert row["response"] == ""
    assert said["vllm"]["cut"] == said["vllm"]["again"]


def test_a_question_that_fills_the_context_is_refused_in_the_same_words(said):
    assert said["vllm"]["too long"] == said["transformers"]["too long"]
    assert "and the context of small 1024" in said["vllm"]["too long"]


def test_a_folder_without_weights_is_refused(said):
    assert "vLLM cannot run" in said["vllm"]["no weights"]
    assert "transformers cannot load" in said["transformers"]["no weights"]
