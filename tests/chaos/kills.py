"""Kills a night at random moments and runs it again until it ends, watching that nothing is done twice.

For each night some of the kinds of files that it writes are drawn (parts of a table, shard files, manifests,
pointers, pages of the report, ...): it is killed up to 50 ms after one of each has appeared, or has begun to
be written. So most kills fall into a write or between two writes that belong together, where chance alone
would seldom come. Some kills fall anywhere in the time that a night takes.
"""

import hashlib
import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal

from drp.core.lake_schemas import TABLES, id_column
from drp.lake.lake import Lake
from drp.lake.sweep import unneeded
from drp.query.session import open_session
from drp.storage.factory import open_store
from tests.chaos import job

POLL_S = 0.004
AFTER_S = 0.05
"""A kill falls up to so long after its file, mostly sooner."""
DRAWN_A_NIGHT = 12
"""Kinds of files; half of them come so close to another that they are there when their turn has come."""
LIMIT_S = 900
CLOCKS = {
    "events": ["seconds"],
    "teacher_calls": ["latency_s", "attempts", "batch_id", "cached_tokens", "cost_usd"],
}
"""Columns that tell how long something took or how often it was tried: these alone are not compared."""

_FINISHED = re.compile(rf"^{job.FINISHED} \S+ (\S+/\S+): ", re.MULTILINE)  # "<stage>/<shard>" in the log

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Folder:
    """A lake as files."""

    root: Path

    @cached_property
    def lake(self) -> Lake:
        """The lake in it."""
        return Lake(open_store(str(self.root)))

    def files(self, below: str = "") -> dict[str, tuple[int, int]]:
        """Every file by key, with its inode and the time of its last change."""
        found = {}
        for folder, _, names in os.walk(self.root / below):
            for name in names:
                path = Path(folder, name)
                try:
                    facts = path.stat()
                except FileNotFoundError:  # a write that ended meanwhile
                    continue
                found[path.relative_to(self.root).as_posix()] = (facts.st_ino, facts.st_mtime_ns)
        return found

    def kinds(self) -> Counter[str]:
        """How many files of each kind there are, in the order of their first."""
        files = self.files()
        return Counter(_kind(key) for key in sorted(files, key=lambda key: files[key][1]))

    def shards(self) -> set[str]:
        """Finished shards, `<stage>/<shard>`."""
        runs = self.lake.store.listed("_runs")
        keys = (s.key.removesuffix(".json").split("/")[2:] for s in runs if "/plan/" not in s.key)
        return {"/".join(key) for key in keys if len(key) == 2}

    def recorded(self) -> dict[str, tuple[tuple[int, int], str]]:
        """Every plan, shard file and part named by one: its inode, time and digest. None may ever change."""
        files = self.files()
        run_ids = {key.split("/")[1] for key in files if key.startswith("_runs/")}
        keys = [key for key in files if key.startswith("_runs/") and key.count("/") == 3]
        shard_files = [done for run_id in run_ids for done in self.lake.run(run_id).shard_files()]
        parts = [part.key for done in shard_files for part in done.parts]
        assert len(parts) == len(set(parts)), "two shard files name one part"
        written = [key for key in keys if not _is_partial(key)] + parts
        return {
            key: (files[key], hashlib.sha256((self.root / key).read_bytes()).hexdigest()) for key in written
        }

    def leftovers(self) -> dict[str, str]:
        """What the sweep would delete, with its reason."""
        return {thing.name: thing.why for thing in unneeded(self.lake, timedelta(0))}

    def rows(self) -> Rows:
        """Every published row of every table, in the order of ids."""
        with closing(open_session(self.lake.published())) as con:
            return {table: con.execute(_all_rows(table)).to_arrow_table().to_pylist() for table in TABLES}


def _all_rows(table: str) -> str:
    clocks = f"EXCLUDE ({', '.join(CLOCKS[table])})" if table in CLOCKS else ""
    return f"SELECT * {clocks} FROM {table} ORDER BY {id_column(table)}"


def _is_partial(key: str) -> bool:
    return Path(key).name.startswith(".")


def _kind(key: str) -> str:
    """A table, or a folder of the run's, the manifests', the pointers' or the reports'."""
    top, *below = key.split("/")[:-1]
    named = {"_runs": below[1:2], "_reports": below[1:2], "_manifests": below[:1]}
    return "/".join([top, *named.get(top, [])])


@dataclass
class Figures:
    """What the kills of a test met, for printing."""

    nights: int = 0
    attempts: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    """By the stage that was at work."""
    broken: Counter[str] = field(default_factory=Counter)
    """Kills that left something behind, by what it was."""
    shards_kept: int = 0
    shards_done: int = 0
    swept: Counter[str] = field(default_factory=Counter)
    rows: int = 0

    def __str__(self) -> str:
        return "\n".join(
            [
                f"{self.kills.total()} kills in {self.nights} nights ({self.attempts} attempts)",
                f"  stage at work: {_counted(self.kills)}",
                f"  left behind, in kills: {_counted(self.broken)}",
                f"  shards: {self.shards_done} done, {self.shards_kept} found done by a later attempt, "
                "0 done twice or changed",
                f"  swept, in things: {_counted(self.swept)}",
                f"  rows compared with the undisturbed night: {self.rows:,}, 0 different",
            ]
        )


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.most_common()) or "none"


@dataclass
class Undisturbed:
    """What a night comes to that nobody kills."""

    seconds: float
    kinds: Counter[str]
    shards: Counter[str]
    """Number of finished shards by stage, in the order of the stages."""
    parts: Counter[tuple[str, int]]
    """Published parts: table and rows."""
    rows: Rows


@dataclass
class Killer:
    """Runs one program's nights in `folder`, each on a lake of its own."""

    program: Literal["drp", "airflow"]
    arguments: Sequence[str]
    env: Mapping[str, str]
    folder: Path
    rng: random.Random
    by_the_clock: float = 0.1
    """Share of moments that no file decides."""
    figures: Figures = field(default_factory=Figures)

    def __str__(self) -> str:
        return f"{self.program}: {self.figures}"

    def undisturbed(self) -> Undisturbed:
        """A night that nobody kills."""
        lake = Folder(self.folder / "undisturbed")
        started = time.monotonic()
        log = self._attempt(lake, None)
        seconds = time.monotonic() - started
        assert log is not None
        assert set(_FINISHED.findall(log)) == lake.shards(), "the log does not tell what was done"
        shards = Counter(shard.split("/")[0] for shard in lake.shards())
        return Undisturbed(seconds, lake.kinds(), shards, published_parts(lake), lake.rows())

    def night(self, reference: Undisturbed, kills: int) -> int:
        """One night, killed up to `kills` times; gives how often it was, once it has ended and is right."""
        lake = Folder(self.folder / f"night-{self.figures.nights}")
        kinds, killed = list(reference.kinds), 0
        drawn = sorted(self.rng.sample(range(len(kinds)), min(2 * kills, DRAWN_A_NIGHT)))
        moments_at = [kinds[index] for index in drawn]
        while True:
            moment = self._moment(lake, reference, moments_at) if killed < kills else None
            before, shards, left = lake.recorded(), lake.shards(), lake.leftovers()
            self.figures.attempts += 1
            log = self._attempt(lake, moment)
            now = lake.recorded()
            changed = {key for key, facts in before.items() if now.get(key) != facts}
            assert not changed, f"what was recorded has changed: {sorted(changed)}"
            self.figures.shards_kept += len(shards)
            self.figures.shards_done += len(lake.shards() - shards)
            if log is not None:
                break
            killed += 1
            self.figures.kills[_stage_at_work(lake, reference)] += 1
            self.figures.broken.update({why for name, why in lake.leftovers().items() if name not in left})
        self._check(lake, reference)
        self.figures.nights += 1
        return killed

    def command(self, lake: Folder, *arguments: str) -> str:
        """What `drp` prints; it must succeed."""
        log = self.folder / "command.log"
        log.unlink(missing_ok=True)
        process = job.start("drp", arguments, self._env(lake), log)
        process.join(LIMIT_S)
        assert process.exitcode == 0, log.read_text()
        return log.read_text()

    def _check(self, lake: Folder, reference: Undisturbed) -> None:
        """The night came to the same, and nothing that it needs is taken for a leftover."""
        leftovers = lake.leftovers()
        if leftovers:
            assert f"{len(leftovers)} deleted" in self.command(
                lake, "corpus", "sweep", "--delete", "--hours", "0"
            )
        self.figures.swept.update(leftovers.values())
        assert lake.leftovers() == {}
        self.command(lake, "corpus", "verify")
        assert lake.lake.verify(p.part for p in lake.lake.results.current().parts)
        assert (len(lake.lake.corpus.numbers()), len(lake.lake.results.numbers())) == (1, 1)
        assert Counter(shard.split("/")[0] for shard in lake.shards()) == reference.shards
        assert published_parts(lake) == reference.parts
        assert lake.kinds() == reference.kinds
        rows = lake.rows()
        for table, expected in reference.rows.items():
            assert rows[table] == expected, table
            self.figures.rows += len(expected)

    def _env(self, lake: Folder) -> dict[str, str]:
        scratch = self.folder / "tmp"
        scratch.mkdir(parents=True, exist_ok=True)
        return {**self.env, "DRP_LAKE": str(lake.root), "TMPDIR": str(scratch)}

    def _attempt(self, lake: Folder, moment: "Moment | None") -> str | None:
        """Run the job; its log when it ended by itself, as it must with status 0, None when it was killed."""
        log = self.folder / f"{lake.root.name}.log"
        log.unlink(missing_ok=True)
        shards = lake.shards()
        process = job.start(self.program, self.arguments, self._env(lake), log)
        reached = moment is not None and moment.is_reached(lake, process)
        if reached:
            _kill(process)
        process.join(LIMIT_S)
        said = log.read_text() if log.exists() else ""
        again = shards.intersection(_FINISHED.findall(said))
        assert not again, f"done twice: {sorted(again)}"
        if process.exitcode == -signal.SIGKILL and reached:
            return None
        assert process.exitcode == 0, f"status {process.exitcode}\n{said[-4000:]}"
        return said

    def _moment(self, lake: Folder, reference: Undisturbed, kinds: list[str]) -> "Moment | None":
        """A moment at the next of `kinds` of which files are still to come; None when there is none."""
        to_come = reference.kinds - lake.kinds()
        while kinds:
            kind = kinds.pop(0)
            if not to_come[kind]:
                continue
            if self.rng.random() < self.by_the_clock:
                share = len(to_come) / len(reference.kinds)
                return Moment(None, 0, self.rng.uniform(0, share * reference.seconds))
            return Moment(kind, self.rng.randint(1, to_come[kind]), AFTER_S * self.rng.random() ** 4)
        return None


@dataclass(frozen=True)
class Moment:
    """So long after the `count`-th file of a kind has appeared or changed; or after the start."""

    kind: str | None
    count: int
    delay_s: float

    def is_reached(self, lake: Folder, process: BaseProcess) -> bool:
        """Wait for it; False if the job ended before."""
        top = (self.kind or "").split("/")[0]
        known, seen, patience = lake.files(top), 0, time.monotonic() + LIMIT_S
        while self.kind is not None and seen < self.count:
            if not process.is_alive():
                return False
            assert time.monotonic() < patience, "the job hangs"
            time.sleep(POLL_S)
            files = lake.files(top)
            seen += sum(_kind(key) == self.kind for key, facts in files.items() if known.get(key) != facts)
            known = files
        process.join(self.delay_s)
        return process.is_alive()


def _kill(process: BaseProcess) -> None:
    """`kill -9` of the whole process group: nothing of it may live on."""
    assert process.pid is not None
    while process.is_alive():
        try:
            os.killpg(process.pid, signal.SIGKILL)
            break
        except ProcessLookupError:  # it has not become a group's leader yet
            time.sleep(POLL_S)
    limit = time.monotonic() + 30
    while alive := job.session(process.pid):
        assert time.monotonic() < limit, f"processes outlived the kill: {alive}"
        time.sleep(POLL_S)


def _stage_at_work(lake: Folder, reference: Undisturbed) -> str:
    """The first stage that has something left to do."""
    kinds = lake.kinds()
    planned = kinds["_runs/plan"]
    done = Counter(shard.split("/")[0] for shard in lake.shards())
    if not done["ingest"]:
        return "ingest"
    if planned < reference.kinds["_runs/plan"]:
        return "plan"
    for stage in ("rollout", "decompose", "prune", "gate"):
        if done[stage] < reference.shards[stage]:
            return stage
    return "report" if "_runs" in kinds else "publish"


def published_parts(lake: Folder) -> Counter[tuple[str, int]]:
    """Table and rows of every published part."""
    parts = (*lake.lake.corpus.current().parts, *lake.lake.results.current().parts)
    return Counter((p.part.table, p.part.rows) for p in parts)
