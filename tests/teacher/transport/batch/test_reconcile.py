"""The ledger agrees with the provider's records after every fault, and differences are reported."""

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
        (line,) = reconcile("tester", one.teacher, one.session, 1)
        assert (line.recorded.answers, line.differs) == (0, False)  # still pending
        server.set(batches={"hold": False})
        while line.status != "completed":
            (line,) = reconcile("tester", one.teacher, one.session, 1)
        assert (line.recorded.answers, line.billed.answers, line.differs) == (20, 20, False)
        assert line.recorded.usage == line.billed.usage
        assert line.recorded.cost > 0
        one.ask(20)
    assert server.totals()["billed"] == 20


def test_a_batch_that_ends_during_the_comparison_counts_as_pending(server, ledger, monkeypatch):
    server.set(batches={"hold": True})
    with night(server, ledger) as one:
        one.leave(20)
        provider = BatchProvider(
            "tester", one.teacher, api_key("tester", one.teacher.api_key_env, one.teacher.base_url)
        )
        poll_batches = BatchScheduler.poll_batches

        def poll_then_end_batch(scheduler):
            poll_batches(scheduler)
            server.set(batches={"hold": False})
            while provider.listed(datetime.now(UTC) - timedelta(days=1))[0][1].status != "completed":
                pass

        with monkeypatch.context() as patch:
            patch.setattr(BatchScheduler, "poll_batches", poll_then_end_batch)
            (line,) = reconcile("tester", one.teacher, one.session, 1)
        assert (line.recorded.answers, line.differs) == (0, False)
        (line,) = reconcile("tester", one.teacher, one.session, 1)
        assert (line.recorded.answers, line.billed.answers, line.differs) == (20, 20, False)


def test_another_ledger_s_batches_are_not_missed(server, ledger, tmp_path):
    with night(server, ledger) as one:
        one.ask(5)
        with open_ledger(f"sqlite:///{tmp_path / 'other.db'}") as empty, night(server, empty) as other:
            (line,) = reconcile("tester", other.teacher, other.session, 1)
    assert (line.is_known, line.differs, line.billed.answers) == (False, False, 5)


def test_rows_that_failed_or_are_missing_are_in_neither_book(server, ledger):
    server.set_faults(rows={"row_500": 0.2, "missing": 0.2, "cut": 0.2}, until_attempt=2)
    with night(server, ledger) as one:
        one.ask(50)
        lines = reconcile("tester", one.teacher, one.session, 1)
    assert len(lines) > 1
    assert not any(line.differs for line in lines)
    assert sum(line.billed.answers for line in lines) == server.totals()["billed"]


@pytest.fixture
def command(server, tmp_path, monkeypatch):
    """`drp ledger reconcile` with the fake provider as the teacher, after a night."""
    ledger, teachers = f"sqlite:///{tmp_path / 'ledger.db'}", tmp_path / "teachers.yaml"
    with open_ledger(ledger) as opened, night(server, opened) as one:
        one.ask(3)
        teachers.write_text(yaml.safe_dump({"teachers": {"tester": one.teacher.model_dump(mode="json")}}))
    monkeypatch.setenv("DRP_TEACHERS_FILE", str(teachers))
    monkeypatch.setenv("DRP_DATABASE_URL", ledger)
    settings.cache_clear()
    _profiles.cache_clear()
    yield lambda teacher: CliRunner().invoke(app, ["ledger", "reconcile", "--teacher", teacher])
    settings.cache_clear()


def test_the_command_shows_both_records_and_fails_if_they_differ(command, tmp_path):
    done = command("tester")
    assert (done.exit_code, "agrees" in done.output) == (0, True), done.output
    with sqlite3.connect(tmp_path / "ledger.db") as database:
        database.execute("UPDATE attempts SET prompt_tokens = prompt_tokens + 1 WHERE number = 1")
    done = command("tester")
    assert isinstance(done.exception, BooksDifferError), done.output
    assert "differs" in done.output


def test_an_online_teacher_has_no_batches_to_compare(command):
    done = command("openai-online")
    assert isinstance(done.exception, BadInputError)
    assert "drp ledger show" in str(done.exception)
