"""The checkpoint registry: trained checkpoints, and which of them is in use.

    with open_registry(settings().resolved_database_url) as registry:
        registry.register(checkpoint)
        registry.promote(checkpoint.checkpoint_id, "champion", "shorter at equal accuracy")
        registry.get("champion").merged_key

It shares the database with the ledger but has separate tables. Every method is one transaction and is safe to
call from many threads and processes. Methods raise the errors of `drp.database` when the database does not
answer, denies access or is damaged. `drp.evaluation` decides which checkpoint to promote.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import UTC, datetime
from difflib import get_close_matches
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, RowMapping, Select, func, select

from drp.database import Database, insert, migrate
from drp.registry.database_tables import checkpoints, flags, moves
from drp.registry.errors import (
    AmbiguousCheckpointError,
    CheckpointConflictError,
    NothingToRollBackError,
    UnknownAliasError,
    UnknownCheckpointError,
)
from drp.registry.records import ALIASES, PREFIX, Checkpoint, CheckpointFile, Flag, Move

FOLDER = Path(__file__).with_name("migrations")
VERSION_TABLE = "registry_version"


@contextmanager
def open_registry(url: str) -> Iterator["Registry"]:
    """Open the registry in the database at `url`. Its tables are created or migrated first if necessary.

    Args:
        url: `sqlite:///path` (a relative path is relative to the repository's root), or
            `postgresql+psycopg://user:password@host/name`.

    Raises:
        BadInputError: the URL is of neither kind.
        DatabaseTooNewError: a newer version of drp has migrated the database.
    """
    database = Database(url)
    try:
        migrate(database, FOLDER, VERSION_TABLE)
        yield Registry(database)
    finally:
        database.close()


class Registry:
    """An open registry; see `open_registry`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- checkpoints ----------------------------------------------------------------------------------

    def register(self, checkpoint: Checkpoint) -> bool:
        """Register a checkpoint whose files are in the object store.

        Returns:
            True if it was added, False if it was registered already; then nothing changes.

        Raises:
            CheckpointConflictError: the id is registered with different files.
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
            stored = con.execute(query.where(checkpoints.c.checkpoint_id == checkpoint.checkpoint_id)).one()
            return stored.sha256, stored.registration

        sha256, registration = self._database.write(work)
        if sha256 != checkpoint.sha256:
            raise CheckpointConflictError(checkpoint.checkpoint_id, sha256, checkpoint.sha256)
        return bool(registration == row["registration"])

    def known(self, checkpoint_id: str) -> bool:
        """Return whether exactly this id is registered. Then training and upload are not needed."""
        with self._database.reading() as con:
            return (
                con.execute(_CHECKPOINTS.where(checkpoints.c.checkpoint_id == checkpoint_id)).first()
                is not None
            )

    def get(self, name: str, student: str | None = None) -> Checkpoint:
        """Return a checkpoint by its id, a unique prefix of at least 6 characters, or an alias.

        Args:
            name: id, prefix or alias.
            student: the student line of the alias; required if several lines have the alias.

        Raises:
            UnknownCheckpointError: no checkpoint matches; the message suggests similar names.
            AmbiguousCheckpointError: several checkpoints match.
            UnknownAliasError: no checkpoint has this alias.
        """
        with self._database.reading() as con:
            is_alias = name in ALIASES
            checkpoint_id = _holder(con, name, student).to_id if is_alias else _find(con, name)
            return _read(con, checkpoint_id)

    def champion(self, student: str) -> Checkpoint | None:
        """Return the checkpoint in use for a student line; None before the first promotion."""
        with self._database.reading() as con:
            earlier = _moves_of(con, student, "champion")
            return _read(con, earlier[-1].to_id) if earlier else None

    def list(self, student: str | None = None) -> tuple[Checkpoint, ...]:
        """Return all checkpoints, or those of one student line, newest first."""
        query = _CHECKPOINTS.order_by(checkpoints.c.created_at.desc(), checkpoints.c.checkpoint_id)
        if student is not None:
            query = query.where(checkpoints.c.student == student)
        with self._database.reading() as con:
            return tuple(_checkpoint(row._mapping) for row in con.execute(query))

    # --- flags ----------------------------------------------------------------------------------------

    def flag(self, checkpoint_id: str, flag: str, reason: str) -> None:
        """Flag a checkpoint, by its whole id, as not to be used; repeated calls change nothing."""
        row = {
            "checkpoint_id": checkpoint_id,
            "flag": flag,
            "reason": reason,
            "flagged_at": datetime.now(UTC),
        }

        def work(con: Connection) -> None:
            con.execute(insert(con, flags).values(row).on_conflict_do_nothing())

        self._database.write(work)

    def flags(self) -> dict[str, tuple[Flag, ...]]:
        """Return the flags of all flagged checkpoints, by checkpoint id."""
        query = select(flags).order_by(flags.c.checkpoint_id, flags.c.flagged_at, flags.c.flag)
        with self._database.reading() as con:
            found = [Flag(**row._mapping) for row in con.execute(query)]
        by_id = groupby(found, lambda flag: flag.checkpoint_id)
        return {checkpoint_id: tuple(group) for checkpoint_id, group in by_id}

    # --- aliases --------------------------------------------------------------------------------------

    def promote(self, checkpoint_id: str, alias: str, reason: str) -> Move:
        """Assign `alias` of the checkpoint's student line to the checkpoint (a name as for `get`).

        Concurrent promotions are serialised: each starts from the result of the previous one, and the last
        wins.

        Returns:
            The move. If the checkpoint already has the alias, the move that assigned it, and nothing is
            written.

        Raises:
            UnknownCheckpointError, AmbiguousCheckpointError: as for `get`.
            UnknownAliasError: the alias does not exist.
        """
        if alias not in ALIASES:
            raise UnknownAliasError(
                f"there is no alias {alias!r}, only {' and '.join(ALIASES)}",
                state="No alias was moved",
                next_command=f"drp registry promote {checkpoint_id} --alias {ALIASES[0]}",
            )
        checkpoint = self.get(checkpoint_id)
        to_id, student = checkpoint.checkpoint_id, checkpoint.student
        move_id, now = uuid4().hex, datetime.now(UTC)

        def next_move(earlier: Sequence[Move]) -> Move:
            if not earlier:
                return Move(move_id, student, alias, 1, now, None, to_id, reason, None)
            last = earlier[-1]
            if last.to_id == to_id:
                return last
            number = last.number + 1
            return Move(move_id, student, alias, number, now, last.to_id, to_id, reason, last.number)

        return self._move(student, alias, move_id, next_move)

    def rollback(self, alias: str, student: str | None = None, reason: str = "rolled back") -> Move:
        """Return `alias` to its holder before the last promotion. Repeated calls go further back.

        Args:
            alias: the alias to move.
            student: the student line; required if several lines have the alias.
            reason: recorded with the move.

        Raises:
            NothingToRollBackError: the alias has no earlier holder.
            UnknownAliasError, AmbiguousCheckpointError: as for `get`.
        """
        with self._database.reading() as con:
            line = _holder(con, alias, student).student
        move_id, now = uuid4().hex, datetime.now(UTC)

        def next_move(earlier: Sequence[Move]) -> Move:
            last = earlier[-1]
            if last.back_to is None:
                raise NothingToRollBackError(line, alias, last.to_id)
            target = earlier[last.back_to - 1]
            number = last.number + 1
            return Move(move_id, line, alias, number, now, last.to_id, target.to_id, reason, target.back_to)

        return self._move(line, alias, move_id, next_move)

    def history(self, alias: str, student: str | None = None) -> tuple[Move, ...]:
        """Return all moves of an alias, oldest first.

        Args:
            alias: the alias.
            student: the student line; required if several lines have the alias.

        Raises:
            UnknownAliasError, AmbiguousCheckpointError: as for `get`.
        """
        with self._database.reading() as con:
            return _moves_of(con, _holder(con, alias, student).student, alias)

    def moves(self) -> tuple[Move, ...]:
        """Return the moves of all aliases, oldest first within each alias."""
        with self._database.reading() as con:
            return _moves(con, select(moves))

    def _move(
        self, student: str, alias: str, move_id: str, next_move: Callable[[Sequence[Move]], Move]
    ) -> Move:
        """Append the move that `next_move` derives from the earlier ones, unless it returns one of them."""

        def work(con: Connection) -> Move:
            while True:  # retry until no concurrent call has taken the same number
                earlier = _moves_of(con, student, alias)
                written = next((move for move in earlier if move.move_id == move_id), None)
                move = written or next_move(earlier)
                if move in earlier:
                    return move
                con.execute(insert(con, moves).values(vars(move)).on_conflict_do_nothing())

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


def _moves_of(con: Connection, student: str, alias: str) -> tuple[Move, ...]:
    return _moves(con, select(moves).where(moves.c.student == student, moves.c.alias == alias))


def _holder(con: Connection, alias: str, student: str | None) -> Move:
    """Return the last move of an alias, of `student` or of the only line that has the alias."""
    last = {move.student: move for move in _moves(con, select(moves).where(moves.c.alias == alias))}
    if student is None and len(last) > 1:
        raise AmbiguousCheckpointError(
            f"several students have a {alias}: {', '.join(last)}",
            state="Nothing was changed",
            next_command=f"the same command with --student {min(last)}",
        )
    line = next(iter(last), None) if student is None else student
    if line not in last:
        others = f" of {line!r}, only of {', '.join(last)}" if last else ""
        raise UnknownAliasError(
            f"no checkpoint is {alias}{others}",
            state="Nothing was changed",
            next_command=f"drp registry list, then drp registry promote NAME --alias {alias}",
        )
    return last[line]


def _find(con: Connection, name: str) -> str:
    """Return the single id that equals or begins with `name`."""
    known = checkpoints.c.checkpoint_id
    begins = func.substr(known, 1, len(name)) == name  # not LIKE, which is case-sensitive only on PostgreSQL
    matches = con.execute(select(known).where(begins).order_by(known)).scalars().all()
    if name in matches:
        return name
    if matches and len(name) < PREFIX:
        raise UnknownCheckpointError(name, f": a name has at least {PREFIX} characters", matches[:3])
    if not matches:
        candidates = {alias: alias for alias in ALIASES} | {
            checkpoint_id[: max(len(name), PREFIX)]: checkpoint_id
            for checkpoint_id in con.execute(select(known)).scalars()
        }
        similar = [candidates[prefix] for prefix in get_close_matches(name, candidates)]
        raise UnknownCheckpointError(name, "", similar)
    if len(matches) > 1:
        raise AmbiguousCheckpointError(
            f"{len(matches)} checkpoints begin with {name!r}: {', '.join(matches[:3])}"
            + ", ..." * (len(matches) > 3),
            state="Nothing was changed",
            next_command=f"the same command with more of the id, such as {matches[0]}",
        )
    return str(matches[0])
