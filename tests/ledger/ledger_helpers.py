"""Helpers for the tests of the ledger: requests, answers, and separate processes that claim and land."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select, update

from drp.database.column_types import Instant
from drp.database.engine import Database
from drp.ledger.completions import Completion, RequestStage, TeacherRequest, Usage
from drp.ledger.database_tables import attempts, workers
from drp.ledger.ledger import Ledger, open_ledger
from drp.ledger.records import Attempt, Claim, CompletedAttempt, PricedRequest, Spent, Sums
from drp.ledger.worker_heartbeats import Worker

ROOT = Path(__file__).resolve().parents[2]
RUN = "2026-11-20-drp"
CENT = Decimal("0.01")
LIMIT_S = 120
NOTHING = Sums(0, Decimal(0))


def request(number: int, *, stage: RequestStage = "fused", model: str = "a-model") -> TeacherRequest:
    """Return the `number`-th request. Equal numbers give equal requests."""
    body = {"model": model, "messages": [{"role": "user", "content": f"question {number}"}]}
    return TeacherRequest(stage, "http://127.0.0.1/v1", body, "v1", Usage(100, 0, 50))


def wanted(numbers: Sequence[int] | range, estimated: Decimal = CENT) -> list[PricedRequest]:
    """Return these requests, each with this estimate."""
    return [PricedRequest(request(number), estimated) for number in numbers]


def ids(numbers: Sequence[int] | range) -> list[str]:
    """Return the ids of these requests."""
    return [request(number).request_id for number in numbers]


def answer(text: str = "an answer") -> Completion:
    """Return an answer with 100 prompt tokens (20 of them cached) and 40 completion tokens."""
    return Completion("chatcmpl-1", text, None, "stop", Usage(100, 20, 40), 1.5)


def landing(attempt: Attempt, cost: Decimal | None = CENT, text: str = "an answer") -> CompletedAttempt:
    """Return this attempt with an answer."""
    return CompletedAttempt(attempt, answer(text), cost)


def start(url: str, *words: object) -> subprocess.Popen[str]:
    """Start a process that runs a function of `tests.ledger.ledger_processes`."""
    program = [sys.executable, "-m", "tests.ledger.ledger_processes", *map(str, words)]
    return subprocess.Popen(
        program,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"URL": url, "PATH": ""},
    )


def say(process: subprocess.Popen[str], line: str) -> None:
    """Write a line to a process."""
    assert process.stdin
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> str:
    """Return the next line that a process prints."""
    assert process.stdout
    return process.stdout.readline().strip()


class WithLedger:
    """An empty ledger at `url`, a fixture of the subclass, and this process as its worker."""

    @pytest.fixture
    def ledger(self, url: str) -> Iterator[Ledger]:
        """The ledger."""
        with open_ledger(url) as opened:
            yield opened

    @pytest.fixture
    def worker(self, ledger: Ledger) -> Iterator[Worker]:
        """The worker."""
        with ledger.worker() as registered:
            yield registered


def claim(
    ledger: Ledger,
    worker: Worker,
    numbers: Sequence[int] | range,
    cap: Decimal | None = None,
    run: str = RUN,
) -> Claim:
    """Claim these requests, with an estimate of a cent each."""
    return ledger.claim(wanted(numbers), worker, run_id=run, backend="online", cap=cap)


def plan(ledger: Ledger, worker: Worker, numbers: range) -> tuple[str, list[Attempt]]:
    """Plan a batch of these unclaimed requests."""
    batch_id, done = ledger.plan_batch(wanted(numbers), worker, run_id=RUN, cap=None)
    assert batch_id is not None
    return batch_id, done.mine


def spent(known: str, reserved: str) -> Spent:
    """Return these amounts as a `Spent`."""
    return Spent(Decimal(known), Decimal(reserved))


def attempt_rows(url: str) -> list[tuple[str, Decimal, Decimal | None]]:
    """Return the state, estimate and cost of all attempts."""
    database = Database(url)
    with database.reading() as con:
        rows = con.execute(select(attempts.c.state, attempts.c.estimated_nusd, attempts.c.cost_nusd)).all()
    database.close()
    return [(state, estimated, cost) for state, estimated, cost in rows]


def move(url: str, silence: timedelta, host: str | None = "elsewhere") -> None:
    """Move all workers to another host (unless None), and set their last heartbeat this long ago."""
    database = Database(url)

    def moved(con: Connection) -> None:
        now = con.execute(select(func.current_timestamp(type_=Instant()))).scalar_one()
        place = {} if host is None else {"host": host}
        con.execute(update(workers).values(heartbeat_at=now - silence, **place))

    database.write(moved)
    database.close()


def until(happened: Callable[[], bool]) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + LIMIT_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)
