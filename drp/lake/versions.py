"""Published versions: a manifest names all parts of a version, a pointer names the current manifest.

Manifests are written once; publishing moves the pointer by compare-and-swap, so that a reader sees one
version or the next and never a mixture. Rollback moves the pointer back.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal, Self, TypeAlias

from drp.errors import BadInputError, TerminalError
from drp.lake.parts import Part
from drp.lake.store import ObjectStore
from drp.schemas import SCHEMA_VERSION

Pointer: TypeAlias = Literal["corpus", "results"]


class UnknownVersionError(BadInputError):
    """There is no such version."""


class NewerLakeError(TerminalError):
    """The lake was written by a newer DRP."""


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


class Versions:
    """The versions behind one pointer."""

    def __init__(self, store: ObjectStore, pointer: Pointer) -> None:
        self._store = store
        self._folder = f"_manifests/{pointer}"
        self._pointer = f"_pointers/{pointer}.json"

    def current(self) -> Version:
        """What readers see now."""
        pointed = self._store.get(self._pointer)
        return self.read(json.loads(pointed)["version"]) if pointed else EMPTY

    def read(self, number: int) -> Version:
        """One version.

        Raises:
            UnknownVersionError: there is no such version.
        """
        if number == 0:
            return EMPTY
        data = self._store.get(self._key(number))
        if data is None:
            raise UnknownVersionError(
                f"there is no version {number}", state="Nothing was changed", next_command="drp corpus list"
            )
        return Version.from_json(data, self._store.root)

    def numbers(self) -> list[int]:
        """All version numbers, oldest first."""
        return [int(key.rsplit("/", 1)[1].removesuffix(".json")) for key in self._store.keys(self._folder)]

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

        def stays(old: PublishedPart) -> bool:
            superseded = old.part.table in replaces and old.recipe in recipes
            return old.run_id != run_id and not (superseded and (old.recipe, old.fingerprint) not in made)

        while True:
            pointed = self._store.get(self._pointer)
            base = self.current()
            together = sorted([p for p in base.parts if stays(p)] + new, key=lambda p: p.part.key)
            if [p.part.key for p in together] == [p.part.key for p in base.parts]:
                return base
            version = self._write(base, run_id, tuple(together))
            if self._store.swap(self._pointer, _pointing(version.number), pointed):
                return version
            self._store.delete(self._key(version.number))  # another publisher was first: merge again

    def rollback(self, number: int) -> Version:
        """Point at an older (or newer) version again."""
        version = self.read(number)
        while not self._store.swap(self._pointer, _pointing(number), self._store.get(self._pointer)):
            pass
        return version

    def _write(self, base: Version, run_id: str, parts: tuple[PublishedPart, ...]) -> Version:
        number = max([base.number, *self.numbers()]) + 1
        while True:
            at = datetime.now(UTC).isoformat(timespec="seconds")
            version = Version(number, base.number, run_id, at, SCHEMA_VERSION, parts)
            data = json.dumps(asdict(version), ensure_ascii=True, sort_keys=True, indent=1).encode()
            if self._store.create(self._key(number), data):
                return version
            number += 1

    def _key(self, number: int) -> str:
        return f"{self._folder}/{number:08d}.json"


def _pointing(number: int) -> bytes:
    return json.dumps({"version": number}).encode()
