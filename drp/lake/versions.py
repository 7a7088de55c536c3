"""Published versions: a manifest names all parts of a version, a pointer names the current manifest.

Manifests are written once; publishing moves the pointer by compare-and-swap, so that a reader sees one
version or the next and never a mixture. Rollback moves the pointer back. The pointer also lists the versions
that are kept: a manifest that a killed publisher left is none of them, and is swept.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal, Self, TypeAlias

from drp.core import BadInputError, TerminalError
from drp.core.schemas import SCHEMA_VERSION
from drp.lake.parts import Part
from drp.storage import ObjectStore, acquire, release

Pointer: TypeAlias = Literal["corpus", "results"]


class UnknownVersionError(BadInputError):
    """There is no such version."""


class NewerLakeError(TerminalError):
    """The lake was written by a newer DRP."""


class DamagedLakeError(TerminalError):
    """A manifest, a pointer or a part is not what was written."""


@dataclass(frozen=True)
class PublishedPart:
    """A part in a version, with the run and the recipe that made it."""

    part: Part
    run_id: str
    recipe: str
    fingerprint: str


@dataclass(frozen=True)
class Version:
    """One published version; version 0 is the empty one before the first."""

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
            NewerLakeError: it was written by a newer schema.
            ValueError, KeyError, TypeError: it is no manifest.
        """
        document = json.loads(data)
        if document["schema_version"] > SCHEMA_VERSION:
            raise NewerLakeError(
                f"the lake at {root} has schema version {document['schema_version']}, "
                f"this DRP knows {SCHEMA_VERSION}",
                state="Nothing was read or changed",
                next_command="update DRP (git pull), then run the same command again",
            )
        parts = tuple(PublishedPart(**{**p, "part": Part(**p["part"])}) for p in document["parts"])
        return cls(**{**document, "parts": parts})

    def rows(self) -> dict[str, int]:
        """Rows by table."""
        rows: dict[str, int] = {}
        for published in self.parts:
            rows[published.part.table] = rows.get(published.part.table, 0) + published.part.rows
        return rows


EMPTY = Version(0, 0, "", "", SCHEMA_VERSION, ())


@dataclass(frozen=True)
class _Pointed:
    """What a pointer says: the current version, and all that are kept, in the order of their publication."""

    version: int = 0
    kept: tuple[int, ...] = ()

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()


class Versions:
    """The versions behind one pointer."""

    def __init__(self, store: ObjectStore, pointer: Pointer) -> None:
        self._store = store
        self._folder = f"_manifests/{pointer}"
        self._pointer = f"_pointers/{pointer}.json"

    def current(self) -> Version:
        """What readers see now."""
        return self.read(self._pointed(self._store.get(self._pointer)).version)

    def read(self, number: int) -> Version:
        """One version.

        Raises:
            UnknownVersionError: there is no such version.
            DamagedLakeError: its manifest cannot be read.
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
                state="Nothing was changed; other versions can be read",
                next_command=f"drp corpus list, then drp corpus rollback N (an older one than {number})",
            ) from error

    def numbers(self) -> list[int]:
        """Numbers of all versions that are kept, in the order of their publication."""
        return list(self._pointed(self._store.get(self._pointer)).kept)

    def publish(
        self, run_id: str, parts: Iterable[PublishedPart], *, replaces: frozenset[str] = frozenset()
    ) -> Version:
        """Make a version in which `parts` stand for all that `run_id` published before.

        Parts of the same recipe with another fingerprint, in the tables `replaces`, are superseded: a
        corpus holds one revision of a rollout per recipe. The version stays when nothing changes.
        """
        new = list(parts)
        made = {(p.recipe, p.fingerprint) for p in new if p.part.table in replaces}
        recipes = {recipe for recipe, _ in made}
        keys = {p.part.key for p in new}

        def stays(old: PublishedPart) -> bool:
            superseded = old.part.table in replaces and old.recipe in recipes
            again = old.run_id == run_id or old.part.key in keys
            return not again and not (superseded and (old.recipe, old.fingerprint) not in made)

        while True:
            data = self._store.get(self._pointer)
            pointed = self._pointed(data)
            base = self.read(pointed.version)
            together = sorted([p for p in base.parts if stays(p)] + new, key=lambda p: p.part.key)
            if [p.part.key for p in together] == [p.part.key for p in base.parts]:
                return base
            version = self._write(base, max(pointed.kept, default=0) + 1, run_id, tuple(together))
            if self._store.swap(
                self._pointer, _Pointed(version.number, (*pointed.kept, version.number)).to_json(), data
            ):
                return version
            if version.number not in self.numbers():  # else it was pointed at, but the answer was lost
                self._store.delete(self.key(version.number))

    def rollback(self, number: int) -> Version:
        """Point at an older (or newer) version again; it also mends a pointer that is damaged."""
        version = self.read(number)
        writer = f"rollback-{number}"
        acquire(self._store, writer)
        try:
            while not self._point_at(number):
                pass
        finally:
            release(self._store, writer)
        return version

    def _point_at(self, number: int) -> bool:
        data = self._store.get(self._pointer)
        try:
            kept = self._pointed(data).kept
        except DamagedLakeError:
            kept = tuple(self.written())
        return self._store.swap(self._pointer, _Pointed(number, kept).to_json(), data)

    def key(self, number: int) -> str:
        """Key of a version's manifest."""
        return f"{self._folder}/{number:08d}.json"

    def written(self) -> list[int]:
        """Numbers of all manifests that are there, also of those that were never pointed at."""
        keys = (stored.key for stored in self._store.listed(self._folder))
        return [int(key.rsplit("/", 1)[1].removesuffix(".json")) for key in keys]

    def _write(self, base: Version, number: int, run_id: str, parts: tuple[PublishedPart, ...]) -> Version:
        """Write the manifest under `number`, or the next that is free."""
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
                state="Nothing was changed; every version is still there",
                next_command=f"drp corpus rollback {max(self.written(), default=1)}",
            ) from error
