"""Runs: a night, a training run or an import, and its progress, which is recorded in its shard files.

The last step of a shard creates `_runs/<run>/<stage>/<shard>.json`, which only a withdrawal of rows replaces.
Through these files the finished work of a killed or quarantined run stays readable, and is not done again.
"""

import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias, TypeVar

from pydantic import BaseModel

from drp.core import BadInputError, RunId, TerminalError
from drp.core.stage_names import NIGHT_STAGES
from drp.lake.parquet_parts import Part, PartsWriter
from drp.storage import ObjectStore, WriterLease

RunStateName: TypeAlias = Literal[
    "open", "quarantined", "published", "nothing new", "taken over", "discarded"
]
P = TypeVar("P", bound=BaseModel)


_log = logging.getLogger(__name__)

PLAN = "plan"
"""The folder of a run that holds its plans."""


class TakenOverError(TerminalError):
    """Another run has taken over the work of this one."""


class UnknownRunError(BadInputError):
    """The lake has no such run."""

    def __init__(self, run_id: str, root: str) -> None:
        super().__init__(
            f"there is no run {run_id!r} in the lake at {root}",
            state="Nothing was changed",
            next_command="drp corpus list",
        )


@dataclass(frozen=True)
class ShardFile:
    """The record of a finished shard of a stage: its parts and counts.

    `fingerprint` is the hash of the recipe settings that can change its rows. A run reuses only shards with
    its current fingerprint.
    """

    run_id: str
    stage: str
    shard: str
    recipe: str
    fingerprint: str
    parts: list[Part]
    counts: dict[str, int]
    seconds: float
    warnings: list[str]

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read a shard file."""
        document = json.loads(data)
        return cls(**{**document, "parts": [Part(**part) for part in document["parts"]]})


@dataclass(frozen=True)
class RunState:
    """How a run ended, or that it is open."""

    state: RunStateName = "open"
    detail: str = ""
    """Why it was quarantined, which version it became, or which run took it over."""
    fingerprints: list[str] = field(default_factory=list)
    """Fingerprints of the shards that a person may release."""


@dataclass
class ShardOutput:
    """The output of a shard. Its stage fills it in."""

    writer: PartsWriter
    counts: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)

    def add(self, table: str, row: Mapping[str, Any]) -> None:
        """Add one row to `table`."""
        self.writer.add(table, row)


@dataclass(frozen=True)
class Run:
    """A night, training run or import, with its shard files."""

    store: ObjectStore
    run_id: str
    """The name of the run; `drp.core.run_id` parses it."""

    @property
    def parsed_id(self) -> RunId:
        """The parts of the run's name."""
        return RunId.parse(self.run_id)

    @property
    def run_date(self) -> date:
        """The date that the run is for."""
        return self.parsed_id.date

    @property
    def _folder(self) -> str:
        return f"_runs/{self.run_id}"

    @contextmanager
    def shard(self, stage: str, shard: str, fingerprint: str) -> Iterator[ShardOutput]:
        """Work on one shard. The rows added in the block become parts; at last a shard file refers to them.

        If another process has finished the same shard meanwhile, its file is kept and these parts are swept.
        """
        WriterLease(self.store, self.run_id).acquire()
        started = time.monotonic()
        output = ShardOutput(PartsWriter(self.store, self.run_date))
        with output.writer.writing():
            yield output
        done = ShardFile(
            self.run_id,
            stage,
            shard,
            self.parsed_id.series,
            fingerprint,
            output.writer.parts,
            dict(output.counts),
            round(time.monotonic() - started, 3),
            output.warnings,
        )
        self._write_shard_file(done)
        counts = ", ".join(f"{n} {name}" for name, n in sorted(done.counts.items())) or "nothing"
        _log.info("%s %s/%s: %s in %.1f s", self.run_id, stage, shard, counts, done.seconds)

    def _write_shard_file(self, done: ShardFile) -> None:
        self.store.create(f"{self._folder}/{done.stage}/{done.shard}.json", _json(asdict(done)))

    def take_over(self, other: "Run", fingerprints: Iterable[str]) -> None:
        """Continue where `other`, which was killed, stopped: copy its plans and its shard files to this run.

        If it is killed half-way and called again, the result is the same. `other` can no longer publish.
        """
        for shard, plan in other._plan_documents():
            self._write_plan_document(shard, plan)
        for done in other.shard_files(fingerprints):
            self._write_shard_file(replace(done, run_id=self.run_id))
        other.finish("taken over", f"by {self.run_id}")

    def check_own(self) -> None:
        """Make sure that no other run has taken over the work of this one.

        Raises:
            TakenOverError: a later night has taken it over.
        """
        state = self.state()
        if state.state == "taken over":
            raise TakenOverError(
                f"run {self.run_id} was open when another night started, and was taken over {state.detail}",
                state="Nothing was published by this run; its rows are kept and become part of the other run",
                next_command=f"drp report {state.detail.removeprefix('by ')}",
            )

    def is_done(self, stage: str, shard: str) -> bool:
        """Return whether the shard has a shard file."""
        return self.store.get(f"{self._folder}/{stage}/{shard}.json") is not None

    def shard_files(self, fingerprints: Iterable[str] | None = None, stage: str = "") -> Iterator[ShardFile]:
        """Yield the finished shards, optionally only those of one stage or with these fingerprints."""
        accepted = None if fingerprints is None else set(fingerprints)
        for stored in self.store.listed(f"{self._folder}/{stage}".rstrip("/")):
            if stored.key.count("/") == 3 and f"/{PLAN}/" not in stored.key:
                done = ShardFile.from_json(self.store.get(stored.key) or b"{}")
                if accepted is None or done.fingerprint in accepted:
                    yield done

    def change_shard_files(self, change: Callable[[ShardFile], ShardFile | None]) -> None:
        """Replace every shard file by what `change` makes of it; None removes it.

        If another process changes a shard file at the same time, `change` is called again for that file. If
        this is killed and called again, the result is the same.
        """
        for stored in list(self.store.listed(self._folder)):
            if stored.key.count("/") == 3 and f"/{PLAN}/" not in stored.key:
                while not self._change_shard_file(stored.key, change):
                    pass

    def start_anew(self, is_kept: Callable[[ShardFile], bool]) -> None:
        """Remove the shard files, except the kept ones, the plans and the choices: the work is done again."""
        self.change_shard_files(lambda done: done if is_kept(done) else None)
        for stored in list(self.store.listed(f"{self._folder}/{PLAN}")):
            self.store.delete(stored.key)
        self.store.delete(f"{self._folder}/student.json")

    def _change_shard_file(self, key: str, change: Callable[[ShardFile], ShardFile | None]) -> bool:
        data = self.store.get(key)
        if data is None:
            return True
        done = ShardFile.from_json(data)
        changed = change(done)
        if changed == done:
            return True
        if changed is not None and changed.shard == done.shard:
            return self.store.swap(key, _json(asdict(changed)), data)
        if changed is not None:
            self._write_shard_file(changed)
        self.store.delete(key)
        return True

    def write_plan(self, shard: str, plan: BaseModel) -> None:
        """Store the plan of a shard. A stored plan is never overwritten: a shard always has the same work."""
        WriterLease(self.store, self.run_id).acquire()
        self._write_plan_document(shard, _json(plan.model_dump(mode="json")))

    def drop_plan(self, shard: str) -> None:
        """Take back the plan of a shard: its work is left to another plan."""
        self.store.delete(f"{self._folder}/{PLAN}/{shard}.json")

    def plans(self, kind: type[P]) -> dict[str, P]:
        """Return the plans, by shard.

        Args:
            kind: the model of the plans of this run.
        """
        return {shard: kind.model_validate_json(plan) for shard, plan in self._plan_documents()}

    def _plan_documents(self) -> Iterator[tuple[str, bytes]]:
        for stored in self.store.listed(f"{self._folder}/{PLAN}"):
            yield Path(stored.key).stem, self.store.get(stored.key) or b"{}"

    def _write_plan_document(self, shard: str, plan: bytes) -> None:
        self.store.create(f"{self._folder}/{PLAN}/{shard}.json", plan)

    def keep_given(self, shard: str, rollout_ids: Iterable[str]) -> None:
        """Keep which rollouts the night's file of traces has: its own rows hold only those that were new.

        `shard` is the name of the file's rows in the stage `ingest`.
        """
        self.store.put(f"{self._folder}/given-{shard}.json", json.dumps(sorted(set(rollout_ids))).encode())

    def given(self, shard: str) -> list[str] | None:
        """The ids that `keep_given` has kept, in order; None if it has not kept any."""
        data = self.store.get(f"{self._folder}/given-{shard}.json")
        return None if data is None else [str(rollout_id) for rollout_id in json.loads(data)]

    def remember(self, what: str, choose: Callable[[], str]) -> str:
        """Make a choice once per run: the first call stores it, and every later attempt gets the same one."""
        key = f"{self._folder}/{what}.json"
        if self.store.get(key) is None:
            self.store.create(key, _json({what: choose()}))
        return str(json.loads(self.store.get(key) or b"")[what])

    def state(self) -> RunState:
        """Return how the run ended, or that it is open."""
        data = self.store.get(f"{self._folder}/state.json")
        return RunState(**json.loads(data)) if data else RunState()

    def finish(self, state: RunStateName, detail: str, *, fingerprints: Iterable[str] = ()) -> None:
        """Record how the run ended, and the fingerprints of the shards that a person may release."""
        document = RunState(state, detail, sorted(fingerprints))
        self.store.put(f"{self._folder}/state.json", _json(asdict(document)))
        self.release_lease()

    def release_lease(self) -> None:
        """Let another run write, if the store allows only one writer at a time."""
        WriterLease(self.store, self.run_id).release()


@dataclass(frozen=True)
class StageCounts:
    """The counts and warnings of one stage of a run."""

    stage: str
    seconds: float
    """Sum over the shards; not wall time."""
    counts: dict[str, int]
    warnings: list[str]


def stage_counts(shard_files: Iterable[ShardFile]) -> list[StageCounts]:
    """Sum the shard files by stage, in the order of a night."""
    sums: dict[str, StageCounts] = {}
    for shard in shard_files:
        so_far = sums.get(shard.stage, StageCounts(shard.stage, 0.0, {}, []))
        counts = dict(Counter(so_far.counts) + Counter(shard.counts))
        warnings = [*so_far.warnings, *shard.warnings]
        sums[shard.stage] = StageCounts(shard.stage, so_far.seconds + shard.seconds, counts, warnings)
    return [sums[stage] for stage in NIGHT_STAGES if stage in sums]


def run_ids(store: ObjectStore) -> list[str]:
    """Return the names of all runs in the store, in order."""
    return sorted({stored.key.split("/")[1] for stored in store.listed("_runs")})


def open_run(store: ObjectStore, run_id: str) -> Run:
    """Return a run that exists in the lake.

    Raises:
        UnknownRunError: there is no run of this name.
    """
    if run_id not in run_ids(store):
        raise UnknownRunError(run_id, store.root)
    return Run(store, run_id)


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=True, sort_keys=True, indent=1).encode()
