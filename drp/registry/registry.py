"""The registry of checkpoints: what was trained, and which of them is in use.

    with open_registry(settings().resolved_database_url) as registry:
        registry.register(checkpoint)
        registry.promote(checkpoint.checkpoint_id, "champion", "shorter at equal accuracy")
        registry.get("champion").merged_key

It lies in the database of the ledger, in tables of its own. Every method is one transaction, safe to call
from many threads and processes, and raises the errors of `drp.ledger.errors` when the database does not
answer, lets nobody in, or is damaged. Which checkpoint deserves a promotion is decided elsewhere.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, RowMapping, Select, func, select

from drp.database import Database, insert, migrate
from drp.registry.errors import (
    AmbiguousCheckpointError,
    CheckpointConflictError,
    NothingToRollBackError,
    UnknownAliasError,
    UnknownCheckpointError,
)
from drp.registry.records import ALIASES, PREFIX, Checkpoint, CheckpointFile, Move
from drp.registry.tables import checkpoints, moves

FOLDER = Path(__file__).with_name("migrations")
VERSION_TABLE = "registry_version"


@contextmanager
def open_registry(url: str) -> Iterator["Registry"]:
    """The registry in the database at `url`, made or migrated first if need be.

    Args:
        url: `sqlite:///path` (a relative one counts from the repository's root), or
            `postgresql+psycopg://user:password@host/name`.

    Raises:
        BadInputError: the URL is of neither kind.
        DatabaseTooNewError: a newer drp has written it.
    """
    database = Database(url)
    try:
        migrate(database, FOLDER, VERSION_TABLE)
        yield Registry(database)
    finally:
        database.close()


class Registry:
    """An open registry; `open_registry` opens it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- checkpoints ----------------------------------------------------------------------------------

    def register(self, checkpoint: Checkpoint) -> bool:
        """Add a checkpoint whose files are in the object store; False if it is there, and nothing changes.

        Raises:
            CheckpointConflictError: its id is there with other files.
        """
        row = {
            **vars(checkpoint),
            "files": [asdict(file) for file in checkpoint.files],
            "sha256": checkpoint.sha256,
            "registration": uuid4().hex,
        }

        def work(con: Connection) -> tuple[str, str]:
            con.execute(insert(con, checkpoints).values(row).on_conflict_do_nothing())
            query = select(checkpoints.c.sha256, checkpoints.c.registration)
            found = con.execute(query.where(checkpoints.c.checkpoint_id == checkpoint.checkpoint_id)).one()
            return found.sha256, found.registration

        sha256, registration = self._database.write(work)
        if sha256 != checkpoint.sha256:
            raise CheckpointConflictError(checkpoint.checkpoint_id, sha256, checkpoint.sha256)
        return bool(registration == row["registration"])

    def known(self, checkpoint_id: str) -> bool:
        """Whether this very id is registered: then it needs no training and no upload."""
        with self._database.reading() as con:
            return (
                con.execute(_CHECKPOINTS.where(checkpoints.c.checkpoint_id == checkpoint_id)).first()
                is not None
            )

    def get(self, name: str, student: str | None = None) -> Checkpoint:
        """A checkpoint by its id, the first 6 or more characters of it, or an alias.

        Args:
            student: whose alias is meant; needed when several students have one of this name.

        Raises:
            UnknownCheckpointError: there is none of this name; the error has those of nearly the same.
            AmbiguousCheckpointError: there are several.
            UnknownAliasError: no checkpoint has this alias.
        """
        with self._database.reading() as con:
            is_alias = name in ALIASES
            checkpoint_id = _holder(con, name, student).to_id if is_alias else _find(con, name)
            return _read(con, checkpoint_id)

    def champion(self, student: str) -> Checkpoint | None:
        """What is in use of a student line; None before its first promotion."""
        with self._database.reading() as con:
            line = _line(con, student, "champion")
            return _read(con, line[-1].to_id) if line else None

    def list(self, student: str | None = None) -> tuple[Checkpoint, ...]:
        """All checkpoints, or those of one student line, newest first."""
        query = _CHECKPOINTS.order_by(checkpoints.c.created_at.desc(), checkpoints.c.checkpoint_id)
        if student is not None:
            query = query.where(checkpoints.c.student == student)
        with self._database.reading() as con:
            return tuple(_checkpoint(row._mapping) for row in con.execute(query))

    # --- aliases --------------------------------------------------------------------------------------

    def promote(self, checkpoint_id: str, alias: str, reason: str) -> Move:
        """Give `alias` of the checkpoint's student line to the checkpoint (a name as for `get`).

        Of several at once the last one wins, and each is a move from what the one before left.

        Returns:
            The move. Where the checkpoint has the alias already, the move that gave it: nothing is written.

        Raises:
            UnknownCheckpointError, AmbiguousCheckpointError: as for `get`.
            UnknownAliasError: there is no such alias.
        """
        if alias not in ALIASES:
            raise UnknownAliasError(
                f"there is no alias {alias!r}, only {' and '.join(ALIASES)}",
                state="Nothing was moved",
                next_command=f"drp registry promote {checkpoint_id} --alias {ALIASES[0]}",
            )
        checkpoint = self.get(checkpoint_id)
        to_id, place = checkpoint.checkpoint_id, (checkpoint.student, alias)
        move_id, now = uuid4().hex, datetime.now(UTC)

        def onward(line: Sequence[Move]) -> Move:
            if not line:
                return Move(move_id, *place, 1, now, None, to_id, reason, None)
            last = line[-1]
            if last.to_id == to_id:
                return last
            return Move(move_id, *place, last.number + 1, now, last.to_id, to_id, reason, last.number)

        return self._move(*place, move_id, onward)

    def rollback(self, alias: str, student: str | None = None, reason: str = "rolled back") -> Move:
        """Give `alias` back to the checkpoint that had it before the last promotion. Again goes further back.

        Args:
            student: whose alias; needed when several students have one of this name.

        Raises:
            NothingToRollBackError: there is nothing before.
            UnknownAliasError, AmbiguousCheckpointError: as for `get`.
        """
        with self._database.reading() as con:
            place = (_holder(con, alias, student).student, alias)
        move_id, now = uuid4().hex, datetime.now(UTC)

        def back(line: Sequence[Move]) -> Move:
            last = line[-1]
            if last.back_to is None:
                raise NothingToRollBackError(*place, last.to_id)
            before = line[last.back_to - 1]
            number = last.number + 1
            return Move(move_id, *place, number, now, last.to_id, before.to_id, reason, before.back_to)

        return self._move(*place, move_id, back)

    def history(self, alias: str, student: str | None = None) -> tuple[Move, ...]:
        """All moves of an alias, oldest first.

        Args:
            student: whose alias; needed when several students have one of this name.

        Raises:
            UnknownAliasError, AmbiguousCheckpointError: as for `get`.
        """
        with self._database.reading() as con:
            return _line(con, _holder(con, alias, student).student, alias)

    def moves(self) -> tuple[Move, ...]:
        """All moves of all aliases, oldest first within each."""
        with self._database.reading() as con:
            return _moves(con, select(moves))

    def _move(
        self, student: str, alias: str, move_id: str, following: Callable[[Sequence[Move]], Move]
    ) -> Move:
        """Write the move that follows on those of an alias; `following` may also give one of them."""

        def work(con: Connection) -> Move:
            while True:  # until nobody else has taken the number that was free
                line = _line(con, student, alias)
                made = next((move for move in line if move.move_id == move_id), None) or following(line)
                if made in line:
                    return made
                con.execute(insert(con, moves).values(vars(made)).on_conflict_do_nothing())

        return self._database.write(work)


_CHECKPOINTS: Select[Any] = select(*(checkpoints.c[field.name] for field in fields(Checkpoint)))


def _checkpoint(row: RowMapping) -> Checkpoint:
    return Checkpoint(**{**row, "files": tuple(CheckpointFile(**file) for file in row["files"])})


def _read(con: Connection, checkpoint_id: str) -> Checkpoint:
    query = _CHECKPOINTS.where(checkpoints.c.checkpoint_id == checkpoint_id)
    return _checkpoint(con.execute(query).one()._mapping)


def _moves(con: Connection, query: Select[Any]) -> tuple[Move, ...]:
    rows = con.execute(query.order_by(moves.c.student, moves.c.alias, moves.c.number))
    return tuple(Move(**row._mapping) for row in rows)


def _line(con: Connection, student: str, alias: str) -> tuple[Move, ...]:
    return _moves(con, select(moves).where(moves.c.student == student, moves.c.alias == alias))


def _holder(con: Connection, alias: str, student: str | None) -> Move:
    """The last move of an alias: of this student line, or of the only one that has it."""
    last = {move.student: move for move in _moves(con, select(moves).where(moves.c.alias == alias))}
    if student is None and len(last) > 1:
        raise AmbiguousCheckpointError(
            f"each of several students has its own {alias}: {', '.join(last)}",
            state="Nothing was changed",
            next_command=f"the same command with --student {min(last)}",
        )
    wanted = next(iter(last), None) if student is None else student
    if wanted not in last:
        others = f" of {wanted!r}, only of {', '.join(last)}" if last else ""
        raise UnknownAliasError(
            f"no checkpoint is {alias}{others}",
            state="Nothing was changed",
            next_command=f"drp registry list, then drp registry promote NAME --alias {alias}",
        )
    return last[wanted]


def _find(con: Connection, name: str) -> str:
    """The one id that is, or begins with, `name`."""
    known = checkpoints.c.checkpoint_id
    begins = func.substr(known, 1, len(name)) == name  # LIKE tells cases apart on PostgreSQL only
    found = con.execute(select(known).where(begins).order_by(known)).scalars().all()
    if name in found:
        return name
    if found and len(name) < PREFIX:
        raise UnknownCheckpointError(name, f": a name has at least {PREFIX} characters", found[:3])
    if not found:
        heads = {alias: alias for alias in ALIASES} | {
            one[: max(len(name), PREFIX)]: one for one in con.execute(select(known)).scalars()
        }
        raise UnknownCheckpointError(name, "", [heads[head] for head in get_close_matches(name, heads)])
    if len(found) > 1:
        raise AmbiguousCheckpointError(
            f"{len(found)} checkpoints begin with {name!r}: {', '.join(found[:3])}"
            + ", ..." * (len(found) > 3),
            state="Nothing was changed",
            next_command=f"the same command with more of the id, such as {found[0]}",
        )
    return str(found[0])
