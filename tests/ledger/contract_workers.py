"""The guarantees of the ledger on every database: workers that race, and workers that die."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from drp.database.engine import Database
from drp.ledger.database_tables import workers
from drp.ledger.ledger import Ledger
from drp.ledger.records import FailedAttempt, Sums
from drp.ledger.worker_heartbeats import SILENCE, Worker
from tests.ledger.ledger_helpers import (
    CENT,
    LIMIT_S,
    NOTHING,
    RUN,
    WithLedger,
    answer,
    attempt_rows,
    claim,
    hear,
    ids,
    landing,
    move,
    say,
    spent,
    start,
    until,
)


class WorkerContract(WithLedger):
    """Workers that race, and workers that die."""

    def test_each_request_of_eight_processes_is_paid_once(self, url: str, ledger: Ledger) -> None:
        processes = [start(url, "race", 200, 20) for _ in range(8)]
        assert [hear(process) for process in processes] == ["ready"] * 8
        for process in processes:
            say(process, "go")
        own = [int(hear(process)) for process in processes]
        for process in processes:
            assert process.wait(LIMIT_S) == 0
        assert sum(own) == 200
        assert attempt_rows(url) == [("landed", CENT, CENT)] * 200
        assert ledger.spent(RUN) == spent("2", "0")

    def test_attempts_in_flight_of_a_killed_worker_are_lost_once(self, url: str, ledger: Ledger) -> None:
        process = start(url, "claim_and_wait", 7)
        assert hear(process) == "7"
        assert ledger.recover() == 0, "it lives"
        process.kill()  # it is a zombie until it is waited for
        until(lambda: not ledger.in_flight()[0].is_alive)
        assert (ledger.recover(), ledger.recover()) == (7, 0)
        process.wait(LIMIT_S)
        assert attempt_rows(url) == [("lost_in_flight", CENT, None)] * 7
        assert ledger.spent(RUN) == spent("0", "0.07")
        (total,) = ledger.totals(RUN)
        assert (total.lost, total.unknown, total.in_flight) == (Sums(7, Decimal("0.07")), NOTHING, NOTHING)
        with ledger.worker() as worker:
            again = claim(ledger, worker, range(7))
        assert [attempt.number for attempt in again.mine] == [2] * 7

    def test_landed_answers_survive_a_kill(self, url: str, ledger: Ledger) -> None:
        process = start(url, "land_and_wait", 64)
        assert hear(process) == "landed"
        process.kill()
        process.wait(LIMIT_S)
        assert ledger.recover() == 0
        for request_id, entry in ledger.known(ids(range(64))).items():
            assert entry.answer is not None
            assert entry.answer.text == f"durable {request_id}"

    def test_attempts_in_flight_at_the_end_of_a_block_are_lost(self, ledger: Ledger) -> None:
        with ledger.worker() as worker:
            claim(ledger, worker, [1])
            assert ledger.recover() == 0
        assert ledger.recover() == 1

    def test_a_worker_on_another_host_is_alive_as_long_as_it_sends_heartbeats(
        self, url: str, ledger: Ledger, worker: Worker
    ) -> None:
        claim(ledger, worker, [1])
        for silence, lost in ((SILENCE - timedelta(seconds=20), 0), (SILENCE + timedelta(seconds=5), 1)):
            move(url, silence)
            assert ledger.recover() == lost

    def test_a_suspended_worker_on_the_same_host_is_alive(
        self, url: str, ledger: Ledger, worker: Worker
    ) -> None:
        claim(ledger, worker, [1])
        move(url, SILENCE * 100, host=None)
        assert ledger.recover() == 0

    def test_another_process_with_the_same_pid_is_not_the_worker(
        self, url: str, ledger: Ledger, worker: Worker
    ) -> None:
        claim(ledger, worker, [1])
        database = Database(url)
        database.write(lambda con: con.execute(update(workers).values(process_started=1)))
        database.close()
        assert ledger.recover() == 1

    def test_heartbeats_go_on_after_the_worker_was_taken_for_dead(
        self, url: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("drp.ledger.worker_heartbeats._BEAT_S", 0.05)
        with ledger.worker() as worker:
            claim(ledger, worker, [1])

            def is_taken_for_dead() -> bool:
                move(url, SILENCE * 2)  # the next heartbeat may come before the check
                return ledger.recover() == 1

            until(is_taken_for_dead)
            claim(ledger, worker, [1])
            until(lambda: ledger.in_flight()[0].is_alive)
            assert ledger.recover() == 0

    def test_an_answer_that_arrives_after_its_worker_was_taken_for_dead_lands(
        self, url: str, ledger: Ledger, worker: Worker
    ) -> None:
        (late,) = claim(ledger, worker, [1]).mine
        move(url, SILENCE * 2)
        assert ledger.recover() == 1
        with ledger.worker() as other:
            (second,) = claim(ledger, other, [1]).mine
            ledger.land([landing(late, CENT, "late but paid")])
            assert ledger.spent(RUN) == spent("0.01", "0.01")
            ledger.land([landing(second, CENT * 2, "the second")])
        (entry,) = ledger.known(ids([1])).values()
        assert entry.answer == answer("late but paid")
        assert ledger.spent(RUN) == spent("0.03", "0")

    def test_a_late_failure_does_not_affect_the_attempt_of_another_worker(
        self, url: str, ledger: Ledger, worker: Worker
    ) -> None:
        (late,) = claim(ledger, worker, [1]).mine
        move(url, SILENCE * 2)
        assert ledger.recover() == 1
        with ledger.worker() as other:
            (second,) = claim(ledger, other, [1]).mine
            ledger.fail([FailedAttempt(late, "refused", may_retry=False, cost=Decimal(0))])
            assert claim(ledger, other, [1]).others[0].state == "submitted"
            ledger.land([landing(second)])
        assert ledger.spent(RUN) == spent("0.01", "0")
