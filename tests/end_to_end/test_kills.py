"""`kill -9` in every stage of the loop, then the same commands again: the same registry, no sample lost.

`drp nightly` and `drp train` run as an operator starts them, with a copy of the small student. Each kill
waits for a file that its stage makes, and takes the whole process group, or the command alone, whose jobs
must then end by themselves. DRP_KILLS_LOOP says how often (default 5: once in each stage); beyond the first
five a kill falls up to two seconds after its file. DRP_KILLS_SEED draws the same moments:

    DRP_KILLS_LOOP=100 pytest tests/end_to_end/test_kills.py
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from drp.config.recipe import RECIPES
from drp.registry.checkpoint_files import verify
from drp.registry.registry import open_registry
from drp.student.engines.select import model_folder
from tests.chaos.job import session
from tests.chaos.kills import POLL_S, Folder, Rows
from tests.helpers.repository import ROOT

pytestmark = pytest.mark.training


DAY = "2026-11-20"
COMMANDS = ("nightly", "train")
MOMENTS = {
    "rollout": "lake/_runs/*-drp/rollout/*-0*.json",
    "training": "scratch/training/*/out/state/0*",
    "merge": "scratch/training/*/out/.partial-merged",
    "evaluation": "lake/_runs/*-train-drp/evaluate/*-0*.json",
    "register": "lake/_manifests/results/00000002.json",
}
"""Files whose appearance says that a stage is at work: in rollout and evaluation, that one piece has landed
and others have not; in register, that scores are published and the registry is still to be written."""
LATER_S = 2.0
LIMIT_S = 600

if model_folder("small") is None:
    pytest.skip("the small student has no weights", allow_module_level=True)


@dataclass
class Loop:
    """One lake with its registry and scratch folder, and the commands that are still to end."""

    folder: Path
    recipe: Path
    to_do: list[str] = field(default_factory=lambda: list(COMMANDS))
    sessions: list[int] = field(default_factory=list)
    log: str = ""

    @property
    def lake(self) -> Folder:
        """The lake."""
        return Folder(self.folder / "lake")

    @property
    def registry(self) -> str:
        """Its address."""
        return f"sqlite:///{self.folder}/drp.db"

    def files(self, pattern: str) -> set[tuple[str, int]]:
        """What is there now, with its inode: a file that is made again is another one."""
        found = set()
        for path in self.folder.glob(pattern):
            try:
                found.add((str(path), path.stat().st_ino))
            except FileNotFoundError:  # a write that ended meanwhile
                continue
        return found

    def go_on(self, pattern: str | None = None, *, later_s: float = 0.0, is_whole_group: bool = True) -> bool:
        """Run the commands that have not ended; False if one was killed, at a new file of `pattern`."""
        while self.to_do:
            process = self._start(self.to_do[0])
            if pattern and self._comes(pattern, process) and not _ends_within(process, later_s):
                (os.killpg if is_whole_group else os.kill)(process.pid, signal.SIGKILL)
                process.wait()
                return False
            status = process.wait(LIMIT_S)
            self.log = (self.folder / "log").read_text()
            assert status == 0, self.log[-4000:]
            self.to_do.pop(0)
        return True

    def _start(self, command: str) -> "subprocess.Popen[bytes]":
        here = {
            "DRP_LAKE": str(self.folder / "lake"),
            "DRP_DATABASE_URL": self.registry,
            "DRP_SCRATCH": str(self.folder / "scratch"),
            "DRP_WORKERS": "1",
        }
        (self.folder / "log").unlink(missing_ok=True)
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "drp.cli.main",
                    command,
                    "--recipe",
                    str(self.recipe),
                    "--run-date",
                    DAY,
                ],
                cwd=ROOT,
                env=os.environ | here,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.sessions.append(process.pid)
        return process

    def _comes(self, pattern: str, process: "subprocess.Popen[bytes]") -> bool:
        known, patience = self.files(pattern), time.monotonic() + LIMIT_S
        while process.poll() is None:
            if self.files(pattern) - known:
                return True
            assert time.monotonic() < patience, "the command hangs"
            time.sleep(POLL_S)
        return False

    def at_work(self) -> str:
        """The stage that a kill has met, by what it left."""
        done = {shard.partition("/")[0] for shard in self.lake.shards()}
        if "nightly" in self.to_do:
            return "the rest of the night" if "decompose" in done else "rollout"
        if (self.folder / "lake/_manifests/results/00000002.json").is_file():
            return "register"
        if "train" in done:
            return "evaluation"
        is_saving = self.files("scratch/training/*/out/*adapter") | self.files(
            "scratch/training/*/out/*merged"
        )
        return "merge" if is_saving else "training"

    def living(self) -> list[int]:
        """Processes that any of the commands left."""
        return [process for leader in self.sessions for process in session(leader)]


def _ends_within(process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return process.poll() is not None


@dataclass(frozen=True)
class Outcome:
    """What a loop comes to, but for clocks and addresses."""

    rows: Rows
    checkpoints: list[dict[str, Any]]
    moves: list[tuple[Any, ...]]
    comparison: dict[str, Any]
    published: tuple[int, int]
    """Versions of the corpus and of the results: how many, as a killed publisher uses up a number."""

    @classmethod
    def of(cls, loop: Loop) -> "Outcome":
        """Read it, and check every file of every checkpoint."""
        lake, rows = loop.lake.lake, loop.lake.rows()
        for row in rows["checkpoints"]:
            del row["adapter_uri"], row["merged_uri"]
        with open_registry(loop.registry) as registry:
            checkpoints, moves = registry.list(), registry.moves()
        for checkpoint in checkpoints:
            assert verify(lake.store, checkpoint) == len(checkpoint.files)
        comparison = lake.store.get(f"_reports/{DAY}-train-drp/comparison.json")
        clocks = ("created_at", "code_commit")
        return cls(
            rows,
            [
                {key: value for key, value in asdict(one).items() if key not in clocks}
                | {"sha256": one.sha256}
                for one in checkpoints
            ],
            [
                (move.student, move.alias, move.number, move.from_id, move.to_id, move.reason)
                for move in moves
            ],
            json.loads(comparison or b"null"),
            (len(lake.corpus.numbers()), len(lake.results.numbers())),
        )


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small loop: 296 rollouts in two pieces, a training of two short epochs, 40 questions.

    The engine samples 96 at once: when the first piece of 256 has landed, a last batch of 8 is still to come.
    """
    folder = tmp_path_factory.mktemp("recipe")
    shutil.copytree(str(model_folder("small")), folder / "student")
    document = yaml.safe_load((RECIPES / "drp.yaml").read_text())
    questions = {"source": "synthetic", "level": "small", "size": 148, "seed": 0}
    benchmark = {"name": "small", "questions": questions | {"split": "test", "size": 40, "seed": 1}}
    document |= {"student": str(folder / "student"), "questions": [questions]}
    document["sampling"]["samples"] = 2
    document["parallel"] = {"data": 1}
    document["training"] |= {"epochs": 2, "save_steps": 4, "eval_steps": 8}
    document["evaluation"] |= {"benchmarks": [benchmark]}
    (folder / "drp.yaml").write_text(yaml.safe_dump(document))
    return folder / "drp.yaml"


def kill_in_turn(
    loop: Loop, reference: Outcome, kills: int, rng: random.Random, later_s: float
) -> Counter[str]:
    """Kill a loop at up to `kills` of the moments, then let it end; gives what was killed, by stage."""
    met: Counter[str] = Counter()
    drawn = sorted(rng.sample(range(len(MOMENTS)), min(kills, len(MOMENTS))))
    is_whole_group = rng.random() < 0.5
    for stage in [list(MOMENTS)[number] for number in drawn]:
        before = loop.lake.recorded()
        if loop.go_on(MOMENTS[stage], later_s=rng.random() * later_s, is_whole_group=is_whole_group):
            assert later_s, f"it ended before it could be killed in {stage}"
            break
        met[loop.at_work()] += 1
        now = loop.lake.recorded()
        assert before.items() <= now.items(), "what was recorded has changed"
        is_whole_group = not is_whole_group
    before = loop.lake.recorded()
    assert loop.go_on()
    assert before.items() <= loop.lake.recorded().items(), "what was recorded has changed"
    outcome = Outcome.of(loop)
    for table, rows in reference.rows.items():
        assert outcome.rows[table] == rows, table
    assert outcome == reference
    assert not [path for path in (loop.folder / "scratch/training").iterdir() if path.is_dir()]
    limit = time.monotonic() + 90
    while living := loop.living():
        assert time.monotonic() < limit, f"outlived it: {[psutil.Process(one).cmdline() for one in living]}"
        time.sleep(0.1)
    return met


def test_a_killed_loop_comes_to_the_undisturbed_registry(recipe, tmp_path, capsys):
    seed = int(os.environ.get("DRP_KILLS_SEED") or random.SystemRandom().randrange(2**32))
    print(f"DRP_KILLS_SEED={seed}")  # captured: shown if the test fails
    rng = random.Random(seed)  # noqa: S311
    wanted = int(os.environ.get("DRP_KILLS_LOOP", len(MOMENTS)))
    started = time.monotonic()
    undisturbed = Loop(tmp_path / "undisturbed", recipe)
    undisturbed.folder.mkdir()
    assert undisturbed.go_on()
    seconds = time.monotonic() - started
    reference = Outcome.of(undisturbed)
    counts = {table: len(rows) for table, rows in reference.rows.items()}
    assert (counts["rollouts"], counts["scores"], counts["score_samples"]) == (296, 2, 80)
    assert reference.comparison["decision"]
    assert [one["arm"] for one in reference.checkpoints] == ["drp"]

    met: Counter[str] = Counter()
    while (left := wanted - met.total()) > 0:
        loop = Loop(tmp_path / f"killed-{met.total()}", recipe)
        loop.folder.mkdir()
        met += kill_in_turn(loop, reference, left, rng, LATER_S if met else 0.0)
        shutil.rmtree(loop.folder)
    with capsys.disabled():
        stages = ", ".join(f"{number} {stage}" for stage, number in met.items())
        print(
            f"\nDRP_KILLS_SEED={seed}\n{met.total()} kills of the loop: {stages}; undisturbed it takes"
            f" {seconds:.0f} s, all {time.monotonic() - started:.0f} s",
            file=sys.stderr,
        )
