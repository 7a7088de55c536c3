"""The ledger on a real PostgreSQL, and what is PostgreSQL's own: passwords, lost connections, restarts."""

import pytest

from drp.database.errors import DamagedDatabaseError, DatabaseRefusedError, DatabaseUnavailableError
from drp.ledger.ledger import open_ledger
from tests.helpers.postgres import PASSWORD, Postgres
from tests.ledger.contract import BatchContract, BudgetContract, RequestContract
from tests.ledger.contract_totals import BooksContract, MigrationContract
from tests.ledger.contract_workers import WorkerContract
from tests.ledger.ledger_helpers import CENT, RUN, attempt_rows, claim, ids, landing, spent

pytestmark = pytest.mark.services


class TestPostgres(
    RequestContract, BudgetContract, BatchContract, BooksContract, WorkerContract, MigrationContract
):
    """The promises, on PostgreSQL."""


def test_lost_connections_lose_nothing_and_pay_nothing_twice(server: Postgres, url: str) -> None:
    with open_ledger(url) as ledger, ledger.worker() as worker:
        first = claim(ledger, worker, range(10)).mine
        server.cut_connections()
        ledger.land([landing(attempt) for attempt in first])
        server.cut_connections()
        assert len(claim(ledger, worker, range(20)).mine) == 10
        assert ledger.spent(RUN) == spent("0.1", "0.1")


def test_a_restart_is_waited_for_and_what_landed_is_there(server: Postgres, url: str) -> None:
    with open_ledger(url) as ledger, ledger.worker() as worker:
        mine = claim(ledger, worker, range(10)).mine
        ledger.land([landing(attempt) for attempt in mine[:5]])
        server.stop()
        with pytest.raises(DatabaseUnavailableError, match="does not answer") as error:
            ledger.known(ids([1]))
        assert PASSWORD not in str(error.value)
        server.start()
        ledger.land([landing(attempt) for attempt in mine[5:]])
    assert attempt_rows(url) == [("landed", CENT, CENT)] * 10


@pytest.mark.parametrize("wrong", ["password", "database"])
def test_who_is_not_let_in_is_told_at_once_and_without_the_password(server: Postgres, wrong: str) -> None:
    hush = "hush hush"
    url = server.url("postgres", hush) if wrong == "password" else server.url("no_such_database")
    with pytest.raises(DatabaseRefusedError, match=r"drp:\*\*\*@127\.0\.0\.1.*DRP_DATABASE_URL") as error:
        open_ledger(url)
    for secret in (hush, hush.replace(" ", "%20"), PASSWORD, PASSWORD.replace(" ", "%20")):
        assert secret not in str(error.value)


def test_a_ledger_that_lost_a_table_says_so(server: Postgres, url: str) -> None:
    with open_ledger(url) as ledger:
        with ledger._database.reading() as con:
            con.exec_driver_sql("DROP TABLE attempts")
        with pytest.raises(DamagedDatabaseError, match="attempts"):
            ledger.known(ids([1]))
