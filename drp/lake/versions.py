"""Published versions: a manifest lists all parts of a version, and a pointer names the current manifest.

Manifests are written once. Publishing moves the pointer by compare-and-swap, so that a reader sees one
version or the next and never a mixture. A rollback moves the pointer back. The pointer also lists the kept
versions. The manifest of a killed publisher is not in this list, and is swept.
"""

import json
from collections.abc import Iterable
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
            raise UnknownVersionError(
                f"there is no version {number}", state="Nothing was changed", next_command="drp corpus list"
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
        self, run_id: str, parts: Iterable[PublishedPart], *, replaces: frozenset[str] = frozenset()
    ) -> Version:
        """Publish a version in which `parts` replace all parts that `run_id` has published before.

        In the tables `replaces`, parts of the same recipe with another fingerprint are superseded, because a
        corpus holds one revision of a rollout per recipe. If nothing changes, no version is published and the
        current one is returned.
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

        while True:
            data = self._store.get(self._pointer)
            pointed = self._pointed(data)
            base = self.read(pointed.version)
            merged = sorted([p for p in base.parts if is_kept(p)] + new, key=lambda p: p.part.key)
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

    def written(self) -> list[int]:
        """Return the numbers of all manifests, including those that were never published."""
        keys = (stored.key for stored in self._store.listed(self._folder))
        return [int(key.rsplit("/", 1)[1].removesuffix(".json")) for key in keys]

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
