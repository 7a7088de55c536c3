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
from typing import Any, Literal, Self, TypeAlias

from drp.core.errors import BadInputError, TerminalError
from drp.lake.parts import Part, PartsWriter
from drp.storage.store import ObjectStore
from drp.storage.writer_lease import claim, release

RunState: TypeAlias = Literal["open", "quarantined", "published", "nothing new", "taken over"]


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
    """One night (`<date>-<recipe>`), or one import (`<date>-import-<file digest>`), and its shard files."""

    store: ObjectStore
    run_id: str

    @property
    def run_date(self) -> date:
        """The date that the run is for."""
        return date.fromisoformat(self.run_id[:10])

    @property
    def recipe(self) -> str:
        """Name of the recipe."""
        return self.run_id[11:]

    @property
    def _folder(self) -> str:
        return f"_runs/{self.run_id}"

    @contextmanager
    def shard(self, stage: str, shard: str, fingerprint: str) -> Iterator[ShardOutput]:
        """Do one shard: the rows added in the block become parts, named by a shard file written last.

        If another process finished the same shard meanwhile, its file stands and these parts are swept.
        """
        claim(self.store, self.run_id)
        started = time.monotonic()
        output = ShardOutput(PartsWriter(self.store, self.run_date))
        with output.writer.writing():
            yield output
        done = ShardFile(
            self.run_id,
            stage,
            shard,
            self.recipe,
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
        for shard, work in other.plans().items():
            self.write_plan(shard, work)
        for done in other.shard_files(fingerprints):
            self._keep(replace(done, run_id=self.run_id))
        other.end("taken over", f"by {self.run_id}")

    def check_own(self) -> None:
        """Make sure that what this run did is still its own.

        Raises:
            TakenOverError: a later night went on with it.
        """
        state = self.state()
        if state["state"] == "taken over":
            raise TakenOverError(
                f"run {self.run_id} was open when another night began, and was taken over {state['detail']}",
                state="Nothing was published by this run; its rows are there, and become part of that one",
                next_command=f"drp report {str(state['detail']).removeprefix('by ')}",
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

    def write_plan(self, shard: str, work: Mapping[str, Any]) -> None:
        """Keep what a shard is to do; the same shard always has the same work."""
        claim(self.store, self.run_id)
        self.store.create(f"{self._folder}/{PLAN}/{shard}.json", _json(work))

    def plans(self) -> dict[str, dict[str, Any]]:
        """What each shard is to do, by name."""
        keys = (stored.key for stored in self.store.listed(f"{self._folder}/{PLAN}"))
        return {Path(key).stem: json.loads(self.store.get(key) or b"{}") for key in keys}

    def settled(self, what: str, choose: Callable[[], str]) -> str:
        """What was chosen when this was first asked: every attempt at the run goes by the same choice."""
        key = f"{self._folder}/{what}.json"
        if self.store.get(key) is None:
            self.store.create(key, _json({what: choose()}))
        return str(json.loads(self.store.get(key) or b"")[what])

    def state(self) -> dict[str, Any]:
        """How the run ended: {"state": RunState, "detail": ..., "fingerprints": ...}."""
        data = self.store.get(f"{self._folder}/state.json")
        return dict(json.loads(data)) if data else {"state": "open", "detail": "", "fingerprints": []}

    def end(self, state: RunState, detail: str, *, fingerprints: Iterable[str] = ()) -> None:
        """Record how the run ended, and with which fingerprints if a person may release it."""
        document = {"state": state, "detail": detail, "fingerprints": sorted(fingerprints)}
        self.store.put(f"{self._folder}/state.json", _json(document))
        self.rest()

    def rest(self) -> None:
        """Nothing more is to be written for now: another run may."""
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
