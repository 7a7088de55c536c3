"""The books against the provider's: they agree after every fault, and where they do not it is said."""

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from typer.testing import CliRunner

from drp.cli.main import app
from drp.config.settings import settings
from drp.config.teacher_profiles import _profiles
from drp.core.errors import BadInputError
from drp.ledger.ledger import open_ledger
from drp.teacher.transport.batch.provider import BatchProvider
from drp.teacher.transport.batch.reconcile import BooksDifferError, reconcile
from drp.teacher.transport.batch.scheduler import BatchScheduler
from drp.teacher.transport.credentials import api_key
from tests.teacher.transport.batch.nights import night

pytestmark = pytest.mark.services


def test_what_has_ended_is_landed_and_agrees_in_answers_and_tokens(server, ledger):
    server.set(batches={"hold": True})
    with night(server, ledger) as one:
        one.leave(20)
        (line,) = reconcile("tester", one.teacher, one.books, 1)
        assert (line.ours.answers, line.differs) == (0, False)  # still out
        server.set(batches={"hold": False})
        while line.status != "completed":
            (line,) = reconcile("tester", one.teacher, one.books, 1)
        assert (line.ours.answers, line.theirs.answers, line.differs) == (20, 20, False)
        assert line.ours.usage == line.theirs.usage
        assert line.ours.cost > 0
        one.ask(20)
    assert server.totals()["billed"] == 20


def test_a_batch_that_ends_while_the_books_are_compared_is_still_out(server, ledger, monkeypatch):
    server.set(batches={"hold": True})
    with night(server, ledger) as one:
        one.leave(20)
        provider = BatchProvider("tester", one.teacher, api_key("tester", one.teacher))
        settle = BatchScheduler.settle

        def and_then_it_ends(work):
            settle(work)
            server.set(batches={"hold": False})
            while provider.listed(datetime.now(UTC) - timedelta(days=1))[0][1].status != "completed":
                pass

        with monkeypatch.context() as patch:
            patch.setattr(BatchScheduler, "settle", and_then_it_ends)
            (line,) = reconcile("tester", one.teacher, one.books, 1)
        assert (line.ours.answers, line.differs) == (0, False)
        (line,) = reconcile("tester", one.teacher, one.books, 1)
        assert (line.ours.answers, line.theirs.answers, line.differs) == (20, 20, False)


def test_another_ledger_s_batches_are_not_missed(server, ledger, tmp_path):
    with night(server, ledger) as one:
        one.ask(5)
        with open_ledger(f"sqlite:///{tmp_path / 'other.db'}") as empty, night(server, empty) as other:
            (line,) = reconcile("tester", other.teacher, other.books, 1)
    assert (line.is_known, line.differs, line.theirs.answers) == (False, False, 5)


def test_rows_that_failed_or_are_missing_are_in_neither_book(server, ledger):
    server.set_faults(rows={"row_500": 0.2, "missing": 0.2, "cut": 0.2}, until_attempt=2)
    with night(server, ledger) as one:
        one.ask(50)
        lines = reconcile("tester", one.teacher, one.books, 1)
    assert len(lines) > 1
    assert not any(line.differs for line in lines)
    assert sum(line.theirs.answers for line in lines) == server.totals()["billed"]


@pytest.fixture
def command(server, tmp_path, monkeypatch):
    """`drp ledger reconcile` with the stand-in as teacher, after a night."""
    ledger, teachers = f"sqlite:///{tmp_path / 'ledger.db'}", tmp_path / "teachers.yaml"
    with open_ledger(ledger) as books, night(server, books) as one:
        one.ask(3)
        teachers.write_text(yaml.safe_dump({"teachers": {"tester": one.teacher.model_dump(mode="json")}}))
    monkeypatch.setenv("DRP_TEACHERS_FILE", str(teachers))
    monkeypatch.setenv("DRP_DATABASE_URL", ledger)
    settings.cache_clear()
    _profiles.cache_clear()
    yield lambda teacher: CliRunner().invoke(app, ["ledger", "reconcile", "--teacher", teacher])
    settings.cache_clear()


def test_the_command_shows_both_books_and_fails_where_they_differ(command, tmp_path):
    done = command("tester")
    assert (done.exit_code, "agrees" in done.output) == (0, True), done.output
    with sqlite3.connect(tmp_path / "ledger.db") as books:
        books.execute("UPDATE attempts SET prompt_tokens = prompt_tokens + 1 WHERE number = 1")
    done = command("tester")
    assert isinstance(done.exception, BooksDifferError), done.output
    assert "differs" in done.output


def test_a_teacher_that_is_asked_online_has_no_books_to_compare(command):
    done = command("openai-online")
    assert isinstance(done.exception, BadInputError)
    assert "drp ledger show" in str(done.exception)
