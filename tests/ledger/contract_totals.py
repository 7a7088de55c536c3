"""The guarantees of the ledger on every database: totals, export, and ledgers of other versions."""

import shutil
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, select, text

from drp.database.engine import Database
from drp.database.errors import DatabaseTooNewError
from drp.database.migrations import migrate
from drp.ledger import ledger as ledger_module
from drp.ledger.database_tables import metadata, requests
from drp.ledger.ledger import Ledger, open_ledger
from drp.ledger.records import FailedAttempt, Sums
from drp.ledger.worker_heartbeats import Worker
from tests.ledger.ledger_helpers import (
    CENT,
    LIMIT_S,
    NOTHING,
    RUN,
    WithLedger,
    answer,
    claim,
    hear,
    ids,
    landing,
    request,
    say,
    start,
    wanted,
)


class BooksContract(WithLedger):
    """Totals and the export."""

    def test_totals_are_by_run_stage_model_and_backend(self, ledger: Ledger, worker: Worker) -> None:
        (first,) = claim(ledger, worker, [1]).mine
        ledger.fail([FailedAttempt(first, "timeout", may_retry=True, cost=None)])
        (second,) = claim(ledger, worker, [1]).mine
        ledger.land([landing(second)])
        ledger.plan_batch(wanted([2]), worker, run_id="2026-11-21-drp", cap=None)
        online, batch = ledger.totals()
        assert (online.run_id, online.stage, online.model, online.backend) == (
            RUN,
            "fused",
            "a-model",
            "online",
        )
        assert (online.requests, online.attempts, online.landed, online.failed) == (1, 2, 1, 1)
        assert (online.prompt_tokens, online.cached_tokens, online.completion_tokens) == (100, 20, 40)
        assert (online.known_attempts, online.known, online.unknown) == (1, CENT, Sums(1, CENT))
        assert (online.in_flight, online.lost) == (NOTHING, NOTHING)
        assert (batch.backend, batch.in_flight, batch.known_attempts) == ("batch", Sums(1, CENT), 0)
        assert ledger.totals("2026-11-21-drp") == [batch]

    def test_ended_requests_are_exported_once(self, ledger: Ledger, worker: Worker) -> None:
        mine = claim(ledger, worker, range(1203)).mine
        ledger.land([landing(attempt) for attempt in mine[:1201]])
        ledger.fail([FailedAttempt(mine[1201], "no", may_retry=False, cost=None)])
        calls = list(ledger.unexported())
        assert [c.row["call_id"] for c in calls] == sorted(ids(range(1202)))
        assert Counter((c.row["raw_text"], c.row["cost_usd"]) for c in calls) == {
            ("an answer", 0.01): 1201,
            (None, None): 1,
        }
        ledger.mark_exported([call.key for call in calls], RUN)
        assert list(ledger.unexported()) == []
        known = ledger.known(ids(range(1203)))
        assert Counter((e.state, e.exported_in) for e in known.values()) == {
            ("landed", RUN): 1201,
            ("dead", RUN): 1,
            ("submitted", None): 1,
        }
        entry = known[mine[0].request_id]
        assert entry.answer is not None
        assert (entry.answer.text, entry.answer.usage, entry.cost) == (None, answer().usage, CENT)
        assert len(claim(ledger, worker, range(1201), Decimal(0)).landed) == 1201

    def test_a_call_has_its_batch_and_the_cost_of_all_its_attempts(
        self, ledger: Ledger, worker: Worker
    ) -> None:
        (first,) = claim(ledger, worker, [1]).mine
        ledger.fail([FailedAttempt(first, "503", may_retry=True, cost=Decimal("0.001"))])
        batch_id, done = ledger.plan_batch(wanted([1]), worker, run_id=RUN, cap=None)
        assert batch_id
        ledger.record_submission(batch_id, "batch_1", "validating")
        ledger.land([landing(done.mine[0], Decimal("0.002"))])
        (call,) = ledger.unexported()
        assert call.row == {
            "call_id": request(1).request_id,
            "stage": "fused",
            "backend": "batch",
            "model": "a-model",
            "batch_id": "batch_1",
            "attempts": 2,
            "prompt_tokens": 100,
            "cached_tokens": 20,
            "completion_tokens": 40,
            "cost_usd": 0.003,
            "latency_s": 1.5,
            "finish_reason": "stop",
            "raw_text": "an answer",
        }

    def test_a_request_changed_since_it_was_read_keeps_its_text(self, ledger: Ledger, worker: Worker) -> None:
        (attempt,) = claim(ledger, worker, [1]).mine
        ledger.fail([FailedAttempt(attempt, "no", may_retry=False, cost=None)])
        keys = [call.key for call in ledger.unexported()]
        ledger.retry_dead()
        ledger.land([landing(attempt) for attempt in claim(ledger, worker, [1]).mine])
        ledger.mark_exported(keys, RUN)
        assert [call.row["raw_text"] for call in ledger.unexported()] == ["an answer"]


class MigrationContract(WithLedger):
    """Ledgers of older and newer versions."""

    def test_the_revisions_create_the_tables_of_the_code(self, url: str, ledger: Ledger) -> None:
        database = Database(url)
        with database.reading() as con:
            options = {"version_table": ledger_module.VERSION_TABLE}
            assert compare_metadata(MigrationContext.configure(con, opts=options), metadata) == []
        database.close()

    def test_processes_that_open_an_empty_ledger_at_once_all_succeed(self, url: str) -> None:
        processes = [start(url, "open_and_close") for _ in range(6)]
        assert [hear(process) for process in processes] == ["ready"] * 6
        for process in processes:
            say(process, "go")
        assert [hear(process) for process in processes] == ["opened"] * 6
        assert [process.wait(LIMIT_S) for process in processes] == [0] * 6

    def test_an_old_ledger_is_migrated_and_a_newer_one_refused(
        self, url: str, ledger: Ledger, worker: Worker, tmp_path: Path
    ) -> None:
        ledger.land([landing(attempt) for attempt in claim(ledger, worker, range(10)).mine])
        later = tmp_path / "100 % later"
        shutil.copytree(ledger_module._FOLDER, later)
        (later / "versions/9999_later.py").write_text(
            'import sqlalchemy as sa\nfrom alembic import op\nrevision, down_revision = "9999", "0001"\n'
            "def upgrade():\n"
            '    op.add_column("requests", sa.Column("later", sa.Integer, server_default="7"))\n'
        )
        database = Database(url)
        migrate(database, later, ledger_module.VERSION_TABLE)
        migrate(database, later, ledger_module.VERSION_TABLE)
        with database.reading() as con:
            rows = con.execute(select(text("later"), requests.c.text).select_from(requests)).all()
        assert [tuple(row) for row in rows] == [(7, "an answer")] * 10
        with pytest.raises(
            DatabaseTooNewError, match=r"revision 9999; this one knows up to 0001.*update drp"
        ):
            open_ledger(url)
        with database.reading() as con:
            assert con.execute(select(func.count()).select_from(requests)).scalar_one() == 10
        database.close()
