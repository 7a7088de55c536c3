"""Published versions: a manifest lists all parts of a version, and a pointer names the current manifest.

Manifests are written once. Publishing moves the pointer by compare-and-swap, so that a reader sees one
version or the next and never a mixture. A rollback moves the pointer back. The pointer also lists the kept
versions. The manifest of a killed publisher is not in this list, and is swept.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal, Self, TypeAlias

from drp.core import BadInputError, TerminalError
from drp.core.lake_schemas import SCHEMA_VERSION
from drp.lake.parquet_parts import Part
from drp.storage import ObjectStore, WriterLease

Pointer: TypeAlias = Literal["corpus", "results"]


class UnknownVersionError(BadInputError):
    """There is no such version."""


class NewerLakeError(TerminalError):
    """A newer DRP has written the lake."""


class DamagedLakeError(TerminalError):
    """A manifest, a pointer or a part is missing or damaged."""


@dataclass(frozen=True)
class PublishedPart:
    """A part of a version, with the run and the recipe that made it."""

    part: Part
    run_id: str
    recipe: str
    fingerprint: str


@dataclass(frozen=True)
class Version:
    """A published version. Version 0 is the empty version before the first one."""

    number: int
    parent: int
    run_id: str
    published_at: str
    schema_version: int
    parts: tuple[PublishedPart, ...]

    @classmethod
    def from_json(cls, data: bytes, root: str) -> Self:
        """Read a manifest.

        Raises:
            NewerLakeError: it was written with a newer schema.
            ValueError, KeyError, TypeError: `data` is not a manifest.
        """
        document = json.loads(data)
        if document["schema_version"] > SCHEMA_VERSION:
            raise NewerLakeError(
                f"the lake at {root} has schema version {document['schema_version']}, "
                f"but this DRP supports only versions up to {SCHEMA_VERSION}",
                state="Nothing was read or changed",
                next_command="update DRP (git pull), then run the same command again",
            )
        parts = tuple(PublishedPart(**{**p, "part": Part(**p["part"])}) for p in document["parts"])
        return cls(**{**document, "parts": parts})

    def rows(self) -> dict[str, int]:
        """Return the number of rows, by table."""
        rows: dict[str, int] = {}
        for published in self.parts:
            rows[published.part.table] = rows.get(published.part.table, 0) + published.part.rows
        return rows


PartsChange: TypeAlias = Callable[[Sequence[PublishedPart]], Iterable[PublishedPart]]
"""The parts of a version, made from those of the current version."""

EMPTY = Version(0, 0, "", "", SCHEMA_VERSION, ())


@dataclass(frozen=True)
class _Pointed:
    """The content of a pointer: the current version, and all kept versions in the order of publication."""

    version: int = 0
    kept: tuple[int, ...] = ()

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()


class Versions:
    """The published versions behind one pointer."""

    def __init__(self, store: ObjectStore, pointer: Pointer) -> None:
        self._store = store
        self._folder = f"_manifests/{pointer}"
        self._pointer = f"_pointers/{pointer}.json"

    def current(self) -> Version:
        """Return the current version, which readers see."""
        return self.read(self._pointed(self._store.get(self._pointer)).version)

    def read(self, number: int) -> Version:
        """Read one version.

        Raises:
            UnknownVersionError: there is no such version.
            DamagedLakeError: its manifest is damaged.
        """
        if number == 0:
            return EMPTY
        data = self._store.get(self.key(number))
        if data is None:
            is_retired = self._store.get(self.retired_key(number)) is not None
            why = f"version {number} was retired: it has rows of a source that was removed"
            raise UnknownVersionError(
                why if is_retired else f"there is no version {number}",
                state="Nothing was changed",
                next_command="drp corpus list",
            )
        try:
            return Version.from_json(data, self._store.root)
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedLakeError(
                f"the manifest {self._store.uri(self.key(number))} is damaged ({len(data)} bytes)",
                state="Nothing was changed; other versions can still be read",
                next_command=f"drp corpus list, then drp corpus rollback N, where N is older than {number}",
            ) from error

    def numbers(self) -> list[int]:
        """Return the numbers of all kept versions, in the order of publication."""
        return list(self._pointed(self._store.get(self._pointer)).kept)

    def publish(
        self,
        run_id: str,
        parts: Iterable[PublishedPart],
        *,
        replaces: frozenset[str] = frozenset(),
        change: PartsChange = lambda parts: parts,
    ) -> Version:
        """Publish a version in which `parts` replace all parts that `run_id` has published before.

        In the tables `replaces`, parts of the same recipe with another fingerprint are superseded, because a
        corpus holds one revision of a rollout per recipe. `change` is applied to the older parts that stay.
        If nothing changes, no version is published and the current one is returned.
        """
        new = list(parts)
        new_fingerprints = {(p.recipe, p.fingerprint) for p in new if p.part.table in replaces}
        new_recipes = {recipe for recipe, _ in new_fingerprints}
        new_keys = {p.part.key for p in new}

        def is_kept(old: PublishedPart) -> bool:
            if old.run_id == run_id or old.part.key in new_keys:
                return False
            is_replaceable = old.part.table in replaces and old.recipe in new_recipes
            return not is_replaceable or (old.recipe, old.fingerprint) in new_fingerprints

        return self.change(run_id, lambda parts: [*change([p for p in parts if is_kept(p)]), *new])

    def change(self, run_id: str, change: PartsChange) -> Version:
        """Publish the version with the parts that `change` makes of those of the current version.

        `change` is called again if another run has published meanwhile. If nothing changes, no version is
        published and the current one is returned.
        """
        while True:
            data = self._store.get(self._pointer)
            pointed = self._pointed(data)
            base = self.read(pointed.version)
            merged = sorted(change(base.parts), key=lambda p: p.part.key)
            if [p.part.key for p in merged] == [p.part.key for p in base.parts]:
                return base
            version = self._write(base, max(pointed.kept, default=0) + 1, run_id, tuple(merged))
            if self._store.swap(
                self._pointer, _Pointed(version.number, (*pointed.kept, version.number)).to_json(), data
            ):
                return version
            # A version in the list was published, and only the response to the swap was lost.
            if version.number not in self.numbers():
                self._store.delete(self.key(version.number))

    def retire(self, numbers: Iterable[int]) -> None:
        """Take older versions out of the kept ones for good. Their manifests can be swept from then on."""
        retired = set(numbers)
        while not self._drop(retired):
            pass
        for number in retired - {self.current().number}:
            if (data := self._store.get(self.key(number))) is not None:
                self._store.create(self.retired_key(number), data)
                self._store.delete(self.key(number))

    def _drop(self, retired: set[int]) -> bool:
        data = self._store.get(self._pointer)
        pointed = self._pointed(data)
        kept = tuple(n for n in pointed.kept if n not in retired or n == pointed.version)
        return kept == pointed.kept or self._store.swap(
            self._pointer, _Pointed(pointed.version, kept).to_json(), data
        )

    def rollback(self, number: int) -> Version:
        """Make an older (or newer) version current again. This also repairs a damaged pointer."""
        version = self.read(number)
        writer = f"rollback-{number}"
        WriterLease(self._store, writer).acquire()
        try:
            while not self._point_at(number):
                pass
        finally:
            WriterLease(self._store, writer).release()
        return version

    def _point_at(self, number: int) -> bool:
        data = self._store.get(self._pointer)
        try:
            kept = self._pointed(data).kept
        except DamagedLakeError:
            kept = tuple(self.written())
        return self._store.swap(self._pointer, _Pointed(number, kept).to_json(), data)

    def key(self, number: int) -> str:
        """Return the key of the manifest of a version."""
        return f"{self._folder}/{number:08d}.json"

    def retired_key(self, number: int) -> str:
        """Return the key of the manifest of a retired version."""
        return f"{self._folder}/retired/{number:08d}.json"

    def written(self) -> list[int]:
        """Return the numbers of all manifests that were not retired, including the never published ones."""
        names = (stored.key.removeprefix(f"{self._folder}/") for stored in self._store.listed(self._folder))
        return [int(name.removesuffix(".json")) for name in names if "/" not in name]

    def _write(self, base: Version, number: int, run_id: str, parts: tuple[PublishedPart, ...]) -> Version:
        """Write the manifest under `number`, or under the next free number."""
        while True:
            at = datetime.now(UTC).isoformat(timespec="seconds")
            version = Version(number, base.number, run_id, at, SCHEMA_VERSION, parts)
            data = json.dumps(asdict(version), ensure_ascii=True, sort_keys=True, indent=1).encode()
            if self._store.create(self.key(number), data):
                return version
            number += 1

    def _pointed(self, data: bytes | None) -> _Pointed:
        if data is None:
            return _Pointed()
        try:
            document = json.loads(data)
            return _Pointed(int(document["version"]), tuple(document["kept"]))
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedLakeError(
                f"the pointer {self._store.uri(self._pointer)} is damaged",
                state="Nothing was changed; all versions are still there",
                next_command=f"drp corpus rollback {max(self.written(), default=1)}",
            ) from error
