"""The contract of the registry, for every database.

The test class of a database inherits the contracts and provides the fixture `url`, the URL of an empty
database.
"""

import multiprocessing
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TypeVar

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from drp.database.engine import Database
from drp.database.errors import DatabaseTooNewError
from drp.ledger.ledger import open_ledger
from drp.registry.database_tables import metadata, moves
from drp.registry.errors import (
    AmbiguousCheckpointError,
    CheckpointConflictError,
    NothingToRollBackError,
    UnknownAliasError,
    UnknownCheckpointError,
)
from drp.registry.registry import VERSION_TABLE, Registry, open_registry
from tests.helpers.checkpoints import (
    LIMIT_S,
    WithRegistry,
    assert_moves_are_consecutive,
    checkpoint_id,
    make_checkpoint,
    promote,
    promote_in_turn,
    register,
)

T = TypeVar("T")


def champions(registry: Registry) -> list[int]:
    """Return the numbers of all checkpoints that became champion, in order."""
    numbers = {checkpoint_id(number): number for number in range(100)}
    return [numbers[move.to_id] for move in registry.history("champion")]


class CheckpointContract(WithRegistry):
    """Registering checkpoints and finding them by name."""

    def test_flags_stay_as_they_were_first_written(self, registry: Registry, unacknowledged: None) -> None:
        for number in (1, 2):
            registry.register(make_checkpoint(number))
        assert registry.flags() == {}
        for reason in ("its licence", "another reason"):
            registry.flag(checkpoint_id(1), "removed source a", reason)
        registry.flag(checkpoint_id(1), "removed source b", "why")
        (flagged,) = registry.flags().items()
        assert flagged[0] == checkpoint_id(1)
        assert [(flag.flag, flag.reason) for flag in flagged[1]] == [
            ("removed source a", "its licence"),
            ("removed source b", "why"),
        ]

    def test_a_checkpoint_is_read_back_unchanged(self, registry: Registry) -> None:
        made = make_checkpoint(1, base_model="möglich", adapter_key=None, files=make_checkpoint(1).files[1:])
        assert not registry.known(made.checkpoint_id)
        assert registry.register(made)
        assert registry.known(made.checkpoint_id)
        assert registry.get(made.checkpoint_id) == made

    def test_its_time_is_read_back_in_utc(self, registry: Registry) -> None:
        zone = timezone(timedelta(hours=5))
        registry.register(make_checkpoint(1, created_at=datetime(2026, 11, 21, 3, 0, tzinfo=zone)))
        (stored,) = registry.list()
        assert stored.created_at == datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
        assert stored.created_at.utcoffset() == timedelta(0)

    def test_a_training_that_diverged_is_registered_too(self, registry: Registry) -> None:
        registry.register(make_checkpoint(1, curve=[{"step": 1, "loss": float("nan")}], scores=[]))
        assert registry.get(checkpoint_id(1)).curve == [{"step": 1, "loss": None}]

    def test_registering_again_changes_nothing(self, registry: Registry) -> None:
        made = make_checkpoint(1)
        assert registry.register(made)
        assert not registry.register(made)
        assert not registry.register(replace(made, scores=[], arm="another"))
        assert registry.list() == (made,)

    def test_other_files_under_the_same_id_are_refused(self, registry: Registry) -> None:
        made = make_checkpoint(1)
        registry.register(made)
        with pytest.raises(CheckpointConflictError, match="is unchanged"):
            registry.register(replace(made, files=make_checkpoint(2).files))
        assert registry.list() == (made,)

    def test_a_checkpoint_whose_commit_was_not_acknowledged_counts_as_new(
        self, unacknowledged: None, registry: Registry
    ) -> None:
        assert registry.register(make_checkpoint(1))
        assert not registry.register(make_checkpoint(1))

    def test_a_killed_registration_leaves_nothing_and_can_be_repeated(
        self, registry: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write = Database.write

        def killed(self: Database, work: Callable[[Connection], T]) -> T:
            def half(con: Connection) -> T:
                work(con)
                raise KeyboardInterrupt

            return write(self, half)

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(Database, "write", killed)
            registry.register(make_checkpoint(1))
        assert registry.list() == ()
        assert registry.register(make_checkpoint(1))

    def test_of_concurrent_registrations_exactly_one_succeeds(self, registry: Registry) -> None:
        with ThreadPoolExecutor(8) as pool:
            done = list(pool.map(lambda _: registry.register(make_checkpoint(1)), range(8)))
        assert done.count(True) == 1
        assert len(registry.list()) == 1

    def test_the_newest_comes_first(self, registry: Registry) -> None:
        register(registry, 2, 3, 1)
        registry.register(make_checkpoint(9, student="large"))
        assert [c.corpus_version for c in registry.list()] == [9, 3, 2, 1]
        assert [c.corpus_version for c in registry.list("small")] == [3, 2, 1]
        assert registry.list("unknown") == ()

    @pytest.mark.parametrize("characters", [6, 12, 31, 32])
    def test_a_prefix_is_a_name(self, registry: Registry, characters: int) -> None:
        register(registry, 1, 2)
        assert registry.get(checkpoint_id(2)[:characters]) == make_checkpoint(2)

    def test_five_characters_are_too_few(self, registry: Registry) -> None:
        register(registry, 1, 2)
        with pytest.raises(
            UnknownCheckpointError, match=rf"at least 6.*drp registry show {checkpoint_id(1)}"
        ):
            registry.get(checkpoint_id(1)[:5])

    def test_a_whole_id_is_preferred_to_a_prefix(self, registry: Registry) -> None:
        for name in ("abcdef", "abcdefgh", "abcdefgi"):
            registry.register(make_checkpoint(1, checkpoint_id=name))
        assert registry.get("abcdef").checkpoint_id == "abcdef"
        with pytest.raises(
            AmbiguousCheckpointError, match=r"2 checkpoints begin with 'abcdefg'.*such as abcdefgh"
        ):
            registry.get("abcdefg")

    @pytest.mark.parametrize("wrong", ["upper", "longer", "swapped"])
    def test_a_mistyped_name_is_unknown_and_the_error_suggests_the_nearest(
        self, registry: Registry, wrong: str
    ) -> None:
        register(registry, 1, 2, 3)
        known = checkpoint_id(2)
        name = {
            "upper": f"{known[:6]}{known[6:12].upper()}{known[12:]}",
            "longer": f"{known}0",
            "swapped": known[:4] + known[5] + known[4] + known[6:10],
        }[wrong]
        assert name != known
        with pytest.raises(UnknownCheckpointError, match=f"drp registry show {known}"):
            registry.get(name)
        with pytest.raises(UnknownCheckpointError, match="drp registry show champion"):
            registry.get("chmapion")

    @pytest.mark.parametrize("name", ["zzzzzzzz", "", "%", "______"])
    def test_a_name_without_similar_ones_is_unknown(self, registry: Registry, name: str) -> None:
        register(registry, 1)
        with pytest.raises(UnknownCheckpointError, match="drp registry"):
            registry.get(name)


class AliasContract(WithRegistry):
    """Promotions, rollbacks and concurrent moves."""

    def test_an_alias_names_the_last_promoted_checkpoint(self, registry: Registry) -> None:
        register(registry, 1, 2)
        before = datetime.now(UTC)
        promote(registry, 1)
        promote(registry, 2)
        assert registry.get("champion") == make_checkpoint(2)
        first, second = registry.history("champion")
        assert (first.from_id, first.to_id, first.reason) == (None, checkpoint_id(1), "it is 1")
        assert (second.from_id, second.to_id, second.reason) == (
            checkpoint_id(1),
            checkpoint_id(2),
            "it is 2",
        )
        assert before <= first.moved_at <= second.moved_at <= datetime.now(UTC)

    def test_any_name_can_be_promoted(self, registry: Registry) -> None:
        register(registry, 1, 2)
        registry.promote(checkpoint_id(2)[:8], "challenger", "new")
        move = registry.promote("challenger", "champion", "better")
        assert (move.alias, move.to_id) == ("champion", checkpoint_id(2))

    def test_champion_and_challenger_move_independently(self, registry: Registry) -> None:
        register(registry, 1, 2)
        promote(registry, 1)
        registry.promote(checkpoint_id(2), "challenger", "new")
        assert registry.get("champion") == make_checkpoint(1)
        assert registry.get("challenger") == make_checkpoint(2)
        assert {(move.alias, move.number) for move in registry.moves()} == {
            ("champion", 1),
            ("challenger", 1),
        }

    def test_aliases_are_per_student(self, registry: Registry) -> None:
        register(registry, 1)
        large = make_checkpoint(2, student="large")
        registry.register(large)
        promote(registry, 1)
        assert registry.get("champion", "small") == registry.get("champion")
        promote(registry, 2)
        assert registry.get("champion", "large") == large
        assert registry.get("champion", "small") == make_checkpoint(1)
        assert [move.student for move in registry.history("champion", "large")] == ["large"]
        for method in (registry.get, registry.history, registry.rollback):
            with pytest.raises(AmbiguousCheckpointError, match=r"large, small.*--student large"):
                method("champion")
        with pytest.raises(UnknownAliasError, match="'unknown', only of large, small"):
            registry.get("champion", "unknown")
        assert registry.champion("large") == large
        assert registry.champion("unknown") is None

    def test_promoting_again_does_not_move(self, registry: Registry) -> None:
        register(registry, 1)
        first = registry.promote(checkpoint_id(1), "champion", "why")
        assert registry.promote(checkpoint_id(1), "champion", "why not") == first
        assert registry.history("champion") == (first,)

    def test_unknown_checkpoints_and_aliases_cannot_be_promoted(self, registry: Registry) -> None:
        register(registry, 1)
        with pytest.raises(UnknownCheckpointError):
            registry.promote(checkpoint_id(7), "champion", "why")
        with pytest.raises(UnknownAliasError, match="'best', only champion and challenger"):
            registry.promote(checkpoint_id(1), "best", "why")
        assert registry.moves() == ()
        for method in (registry.get, registry.history, registry.rollback):
            with pytest.raises(UnknownAliasError, match=r"drp registry promote NAME --alias champion"):
                method("champion")

    def test_each_rollback_goes_further_back(self, registry: Registry) -> None:
        register(registry, 1, 2, 3, 4)
        promote(registry, 1, 2, 3)
        move = registry.rollback("champion")
        assert (move.from_id, move.to_id) == (checkpoint_id(3), checkpoint_id(2))
        registry.rollback("champion", "small", "worse on AIME")
        assert registry.get("champion") == make_checkpoint(1)
        with pytest.raises(NothingToRollBackError, match=f"before {checkpoint_id(1)}.*drp registry promote"):
            registry.rollback("champion")
        assert champions(registry) == [1, 2, 3, 2, 1]
        assert registry.history("champion")[-1].reason == "worse on AIME"
        assert_moves_are_consecutive(registry.history("champion"))

    def test_a_rollback_skips_what_was_rolled_back(self, registry: Registry) -> None:
        register(registry, 1, 2, 3)
        promote(registry, 1, 2)
        registry.rollback("champion")
        promote(registry, 3, 2)
        for _ in range(2):
            registry.rollback("champion")
        assert champions(registry) == [1, 2, 1, 3, 2, 3, 1]
        with pytest.raises(NothingToRollBackError):
            registry.rollback("champion")

    def test_a_move_whose_commit_was_not_acknowledged_is_made_once(
        self, unacknowledged: None, registry: Registry
    ) -> None:
        register(registry, 1, 2, 3)
        promote(registry, 1, 2, 3)
        registry.rollback("champion")
        assert champions(registry) == [1, 2, 3, 2]

    def test_a_concurrent_promotion_waits_and_continues_from_the_first(
        self, url: str, registry: Registry
    ) -> None:
        register(registry, 1, 2, 3)
        promote(registry, 1)
        (first,) = registry.history("champion")
        slow = replace(
            first, move_id="slow", number=2, from_id=first.to_id, to_id=checkpoint_id(2), back_to=1
        )
        writing, proceed = threading.Event(), threading.Event()
        database = Database(url)

        def work(con: Connection) -> None:
            con.execute(moves.insert(), vars(slow))
            writing.set()
            assert proceed.wait(LIMIT_S)

        with ThreadPoolExecutor(2) as pool:
            other = pool.submit(database.write, work)
            assert writing.wait(LIMIT_S)
            waiting = pool.submit(registry.promote, checkpoint_id(3), "champion", "later")
            time.sleep(0.3)
            assert not waiting.done()
            proceed.set()
            move = waiting.result(LIMIT_S)
            other.result(LIMIT_S)
        database.close()
        assert (move.number, move.from_id, move.back_to) == (3, checkpoint_id(2), 2)
        assert registry.get("champion") == make_checkpoint(3)

    def test_concurrent_promotions_in_threads_are_all_recorded(self, registry: Registry) -> None:
        numbers = range(1, 17)
        register(registry, *numbers)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: promote(registry, number), numbers))
        line = registry.history("champion")
        assert sorted(champions(registry)) == list(numbers)
        assert_moves_are_consecutive(line)
        assert registry.get("champion").checkpoint_id == line[-1].to_id

    def test_concurrent_promotions_in_processes_are_all_recorded(self, url: str, registry: Registry) -> None:
        numbers = list(range(1, 21))
        register(registry, *numbers)
        start = multiprocessing.get_context("spawn")
        barrier = start.Barrier(2)
        processes = [
            start.Process(target=promote_in_turn, args=(url, numbers[first::2], barrier)) for first in (0, 1)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(LIMIT_S)
        assert [process.exitcode for process in processes] == [0, 0]
        assert sorted(champions(registry)) == numbers
        assert_moves_are_consecutive(registry.history("champion"))

    def test_the_database_enforces_unique_move_numbers(self, url: str, registry: Registry) -> None:
        register(registry, 1, 2)
        promote(registry, 1)
        (move,) = registry.history("champion")
        database = Database(url)
        with pytest.raises(Exception, match=r"(?i)unique"):
            database.write(lambda con: con.execute(moves.insert(), {**vars(move), "move_id": "another"}))
        database.close()


class MigrationContract(WithRegistry):
    """Registries of other versions, and the ledger in the same database."""

    def test_the_migrations_create_the_tables_of_the_code(self, url: str, registry: Registry) -> None:
        database = Database(url)
        with database.reading() as con:
            context = MigrationContext.configure(con, opts={"version_table": VERSION_TABLE})
            assert compare_metadata(context, metadata) == []
        database.close()

    @pytest.mark.parametrize("first", ["ledger", "registry"])
    def test_it_shares_a_database_with_the_ledger(self, url: str, first: str) -> None:
        for opened in (open_ledger, open_registry) if first == "ledger" else (open_registry, open_ledger):
            with opened(url):
                pass
        database = Database(url)
        with database.reading() as con:
            tables = set(inspect(con).get_table_names())
        database.close()
        assert {"checkpoints", "alias_moves", "registry_version", "requests", "ledger_version"} <= tables

    def test_a_registry_of_a_newer_drp_is_refused_and_the_ledger_is_not(
        self, url: str, registry: Registry
    ) -> None:
        database = Database(url)
        database.write(lambda con: con.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")))
        database.close()
        with (
            pytest.raises(DatabaseTooNewError, match="revision 9999; this one knows up to 0002"),
            open_registry(url),
        ):
            pass
        open_ledger(url).close()
