"""`drp ledger show`: what was paid and what is not known, as people see it."""

from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from drp.cli.ledger_tables import tables
from drp.ledger.ledger import Ledger
from drp.ledger.records import FailedAttempt
from drp.ledger.worker_heartbeats import Worker
from tests.ledger.ledger_helpers import RUN, WithLedger, claim, landing, plan


def shown(ledger: Ledger, run_id: str | None = None) -> list[list[str]]:
    """The lines of the tables, as cells."""
    console = Console(width=240)
    with console.capture() as capture:
        for table in tables(ledger, run_id):
            console.print(table)
    lines = capture.get().splitlines()
    return [[cell.strip() for cell in line.strip("│┃").replace("┃", "│").split("│")] for line in lines]


class TestShow(WithLedger):
    """On SQLite."""

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        """Address of the ledger."""
        return f"sqlite:///{tmp_path}/drp.db"

    def test_an_empty_ledger_has_cost_nothing(self, ledger: Ledger) -> None:
        lines = shown(ledger)
        assert ["ledger", ledger.address] == " ".join(lines[0]).split()
        assert lines[-2] == ["all", *[""] * 9, "0.00", "", "", ""]

    def test_cost_that_nobody_knows_is_shown_as_unknown(self, ledger: Ledger, worker: Worker) -> None:
        ledger.land([landing(attempt, None) for attempt in claim(ledger, worker, range(3)).mine])
        assert shown(ledger)[-2] == ["all", *[""] * 9, "unknown", "3 (about 0.03)", "", ""]
        ledger.land([landing(attempt, Decimal("1.000000001")) for attempt in claim(ledger, worker, [3]).mine])
        assert shown(ledger)[-2] == ["all", *[""] * 9, "1.000000001", "3 (about 0.03)", "", ""]

    def test_what_is_lost_in_flight_in_batches_and_dead_is_there(self, ledger: Ledger) -> None:
        with ledger.worker() as gone:
            claim(ledger, gone, range(2))
        ledger.recover()
        with ledger.worker() as worker:
            (dead, _) = claim(ledger, worker, [10, 11], run="2026-11-21-b").mine
            ledger.fail(
                [FailedAttempt(dead, "[bold]400[/]: no such parameter", may_retry=False, cost=Decimal(0))]
            )
            batch_id, _ = plan(ledger, worker, range(20, 24))
            cells = [cell for line in shown(ledger) for cell in line]
            others = [cell for line in shown(ledger, "2026-11-21-b") for cell in line]
        for expected in ("2 (about 0.02)", "alive", "1 (about 0.01)", batch_id, "4 (about 0.04)"):
            assert expected in cells
        assert "[bold]400[/]: no such parameter" in cells, "what a provider said is no markup"
        assert "why (drp ledger retry-dead 2026-11-21-b lets them be sent again)" in others
        assert RUN not in others
        assert batch_id not in others
