"""The ledger on SQLite, and cases specific to SQLite: files that are not ledgers, disks, locks."""

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from drp.core.errors import BadInputError
from drp.database.errors import DamagedDatabaseError, DatabaseRefusedError
from drp.ledger.ledger import open_ledger
from tests.helpers.repository import ROOT
from tests.ledger.contract import BatchContract, BudgetContract, RequestContract
from tests.ledger.contract_totals import BooksContract, MigrationContract
from tests.ledger.contract_workers import WorkerContract
from tests.ledger.ledger_helpers import CENT, RUN, ids, landing, wanted


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Path of the ledger, which does not exist yet."""
    return tmp_path / "a folder" / "drp.db"


@pytest.fixture
def url(path: Path) -> str:
    """Address of the ledger, which does not exist yet."""
    return f"sqlite:///{path}"


class TestSqlite(
    RequestContract, BudgetContract, BatchContract, BooksContract, WorkerContract, MigrationContract
):
    """The guarantees, on SQLite."""


def test_a_commit_is_on_the_disk_when_it_returns(url: str, path: Path) -> None:
    with open_ledger(url) as opened, opened._database.reading() as con:
        assert con.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert con.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        assert con.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 60_000


def test_a_relative_path_counts_from_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    target = tmp_path / "drp.db"
    with open_ledger(f"sqlite:///{os.path.relpath(target, ROOT)}"):
        assert target.is_file()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://u:hush@h/d", "hush", ""])
def test_an_invalid_address_is_refused(url: str) -> None:
    with pytest.raises(BadInputError, match="DRP_DATABASE_URL") as refused:
        open_ledger(url)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    "junk", [b"not a database, but long enough to be looked at" * 100, b"SQLite format 3\0"]
)
def test_a_file_that_is_not_a_database_is_left_alone(url: str, path: Path, junk: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(junk)
    with pytest.raises(DamagedDatabaseError, match="restore the database"):
        open_ledger(url)
    assert path.read_bytes() == junk


def test_a_ledger_that_lost_a_table_says_so(url: str, path: Path) -> None:
    open_ledger(url).close()
    con = sqlite3.connect(path)
    con.execute("DROP TABLE requests")
    con.close()
    with open_ledger(url) as opened, pytest.raises(DamagedDatabaseError, match="no such table: requests"):
        opened.known(ids([1]))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseRefusedError, match=r"file/drp\.db.*DRP_DATABASE_URL"):
        open_ledger(f"sqlite:///{tmp_path}/file/drp.db")


def test_a_writer_waits_for_its_turn_and_a_reader_does_not_wait(url: str, path: Path) -> None:
    with open_ledger(url) as opened, opened.worker() as worker, ThreadPoolExecutor(1) as pool:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        waiting = pool.submit(opened.claim, wanted([1]), worker, run_id=RUN, backend="online", cap=CENT)
        assert opened.known(ids([1])) == {}
        assert not waiting.done()
        other.execute("ROLLBACK")
        other.close()
        assert len(waiting.result().mine) == 1


def test_threads_share_a_ledger(url: str) -> None:
    with open_ledger(url) as opened, opened.worker() as worker, ThreadPoolExecutor(8) as pool:

        def pay(first: int) -> int:
            claim = opened.claim(
                wanted(range(first, first + 10)), worker, run_id=RUN, backend="online", cap=None
            )
            opened.land([landing(attempt) for attempt in claim.mine])
            return len(claim.mine)

        assert sum(pool.map(pay, [i % 40 for i in range(80)])) == 49
        assert opened.spent(RUN).known == CENT * 49
