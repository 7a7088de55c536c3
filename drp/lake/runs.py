"""Runs: what one night has done so far. Its shard files *are* its progress.

A finished shard writes `_runs/<run>/<stage>/<shard>.json` last and create-only. Whatever a killed or a
quarantined night has done stays readable through them and is not done again.
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
from drp.lake.parts import Part, PartsWriter
from drp.storage import ObjectStore, acquire, release

RunStateName: TypeAlias = Literal["open", "quarantined", "published", "nothing new", "taken over"]
P = TypeVar("P", bound=BaseModel)


_log = logging.getLogger(__name__)

PLAN = "plan"
"""Folder of a run where its plan lies."""


class TakenOverError(TerminalError):
    """Another run has taken over what this one had done."""


class UnknownRunError(BadInputError):
    """There is no such run in the lake."""

    def __init__(self, run_id: str, root: str) -> None:
        super().__init__(
            f"there is no run {run_id!r} in the lake at {root}",
            state="Nothing was changed",
            next_command="drp corpus list",
        )


@dataclass(frozen=True)
class ShardFile:
    """A finished shard of a stage: the parts it wrote and what it counted.

    `fingerprint` is the hash of what in the recipe can change its rows: a run goes on only with shards of
    its own fingerprint.
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
    """Of the shards that a person may release."""


@dataclass
class ShardOutput:
    """What a stage fills in while it works on a shard."""

    writer: PartsWriter
    counts: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)

    def add(self, table: str, row: Mapping[str, Any]) -> None:
        """Add one row to `table`."""
        self.writer.add(table, row)


@dataclass(frozen=True)
class Run:
    """One night, training run or import, and its shard files."""

    store: ObjectStore
    run_id: str
    """Its name; `drp.core.run_id` parses it."""

    @property
    def parsed_id(self) -> RunId:
        """The parts of its name."""
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
        """Do one shard: the rows added in the block become parts, named by a shard file written last.

        If another process finished the same shard meanwhile, its file stands and these parts are swept.
        """
        acquire(self.store, self.run_id)
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
        self._keep(done)
        counted = ", ".join(f"{n} {name}" for name, n in sorted(done.counts.items())) or "nothing"
        _log.info("%s %s/%s: %s in %.1f s", self.run_id, stage, shard, counted, done.seconds)

    def _keep(self, done: ShardFile) -> None:
        self.store.create(f"{self._folder}/{done.stage}/{done.shard}.json", _json(asdict(done)))

    def take_over(self, other: "Run", fingerprints: Iterable[str]) -> None:
        """Go on where `other`, which was killed, stopped: its plans and its shards become this run's too.

        Killed in between and called again, it ends the same. `other` can publish no more.
        """
        for shard, plan in other._plan_documents():
            self._keep_plan(shard, plan)
        for done in other.shard_files(fingerprints):
            self._keep(replace(done, run_id=self.run_id))
        other.finish("taken over", f"by {self.run_id}")

    def check_own(self) -> None:
        """Make sure that what this run did is still its own.

        Raises:
            TakenOverError: a later night went on with it.
        """
        state = self.state()
        if state.state == "taken over":
            raise TakenOverError(
                f"run {self.run_id} was open when another night began, and was taken over {state.detail}",
                state="Nothing was published by this run; its rows are there, and become part of that one",
                next_command=f"drp report {state.detail.removeprefix('by ')}",
            )

    def is_done(self, stage: str, shard: str) -> bool:
        """Whether the shard's file is there."""
        return self.store.get(f"{self._folder}/{stage}/{shard}.json") is not None

    def shard_files(self, fingerprints: Iterable[str] | None = None, stage: str = "") -> Iterator[ShardFile]:
        """Finished shards, optionally of one stage or of these fingerprints only."""
        wanted = None if fingerprints is None else set(fingerprints)
        for stored in self.store.listed(f"{self._folder}/{stage}".rstrip("/")):
            if stored.key.count("/") == 3 and f"/{PLAN}/" not in stored.key:
                done = ShardFile.from_json(self.store.get(stored.key) or b"{}")
                if wanted is None or done.fingerprint in wanted:
                    yield done

    def write_plan(self, shard: str, plan: BaseModel) -> None:
        """Keep what a shard is to do; the same shard always has the same work."""
        acquire(self.store, self.run_id)
        self._keep_plan(shard, _json(plan.model_dump(mode="json")))

    def plans(self, kind: type[P]) -> dict[str, P]:
        """What each shard is to do, by its name.

        Args:
            kind: the model of this run's plans.
        """
        return {shard: kind.model_validate_json(plan) for shard, plan in self._plan_documents()}

    def _plan_documents(self) -> Iterator[tuple[str, bytes]]:
        for stored in self.store.listed(f"{self._folder}/{PLAN}"):
            yield Path(stored.key).stem, self.store.get(stored.key) or b"{}"

    def _keep_plan(self, shard: str, plan: bytes) -> None:
        self.store.create(f"{self._folder}/{PLAN}/{shard}.json", plan)

    def remember(self, what: str, choose: Callable[[], str]) -> str:
        """Make a choice once for the run: the first call stores it, and every later attempt gets the same."""
        key = f"{self._folder}/{what}.json"
        if self.store.get(key) is None:
            self.store.create(key, _json({what: choose()}))
        return str(json.loads(self.store.get(key) or b"")[what])

    def state(self) -> RunState:
        """How the run ended, or that it is open."""
        data = self.store.get(f"{self._folder}/state.json")
        return RunState(**json.loads(data)) if data else RunState()

    def finish(self, state: RunStateName, detail: str, *, fingerprints: Iterable[str] = ()) -> None:
        """Record how the run ended, and with which fingerprints if a person may release it."""
        document = RunState(state, detail, sorted(fingerprints))
        self.store.put(f"{self._folder}/state.json", _json(asdict(document)))
        self.release_lease()

    def release_lease(self) -> None:
        """Let another run write, where the store allows one writer at a time."""
        release(self.store, self.run_id)


def run_ids(store: ObjectStore) -> list[str]:
    """Names of all runs in the store, in order."""
    return sorted({stored.key.split("/")[1] for stored in store.listed("_runs")})


def open_run(store: ObjectStore, run_id: str) -> Run:
    """A run that is in the lake.

    Raises:
        UnknownRunError: there is none of this name.
    """
    if run_id not in run_ids(store):
        raise UnknownRunError(run_id, store.root)
    return Run(store, run_id)


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=True, sort_keys=True, indent=1).encode()
