"""The guarantees of the ledger on every database: requests, budgets and batches.

The test class of a database inherits the contracts of this folder and provides the fixture `url`: the address
of an empty ledger.
"""

from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from drp.database.engine import Database
from drp.ledger import requests
from drp.ledger.completions import Completion
from drp.ledger.database_tables import attempts
from drp.ledger.errors import BudgetExhaustedError
from drp.ledger.ledger import Ledger, open_ledger
from drp.ledger.records import CompletedAttempt, FailedAttempt, Sums
from drp.ledger.worker_heartbeats import Worker
from tests.ledger.ledger_helpers import (
    CENT,
    LIMIT_S,
    RUN,
    WithLedger,
    answer,
    attempt_rows,
    claim,
    hear,
    ids,
    landing,
    plan,
    say,
    spent,
    start,
    wanted,
)


class RequestContract(WithLedger):
    """One worker and its requests."""

    def test_a_request_that_was_never_claimed_is_not_known(self, ledger: Ledger) -> None:
        assert ledger.known(ids([1])) == {}

    def test_a_claimed_request_lands_with_the_whole_answer(self, ledger: Ledger, worker: Worker) -> None:
        (attempt,) = claim(ledger, worker, [1]).mine
        assert (attempt.number, attempt.estimated, attempt.batch_id) == (1, CENT, None)
        assert ledger.known(ids([1]))[attempt.request_id].state == "submitted"
        ledger.land([landing(attempt, Decimal("0.001234567"))])
        (entry,) = ledger.known(ids([1])).values()
        assert (entry.state, entry.answer, entry.cost) == ("landed", answer(), Decimal("0.001234567"))
        assert (entry.attempts, entry.problem, entry.exported_in) == (1, None, None)

    def test_a_landed_request_is_returned_and_not_claimed_again(
        self, url: str, ledger: Ledger, worker: Worker
    ) -> None:
        ledger.land([landing(attempt) for attempt in claim(ledger, worker, range(3)).mine])
        with open_ledger(url) as later, later.worker() as other:
            again = claim(later, other, range(4), run="2026-11-21-other")
        assert [entry.answer for entry in again.landed] == [answer()] * 3
        assert [attempt.request_id for attempt in again.mine] == ids([3])

    def test_a_refusal_and_an_empty_answer_land_too(self, ledger: Ledger, worker: Worker) -> None:
        said = Completion(None, None, "I cannot help with that", "content_filter", None, None)
        (attempt,) = claim(ledger, worker, [1]).mine
        ledger.land([CompletedAttempt(attempt, said, CENT)])
        assert ledger.known(ids([1]))[attempt.request_id].answer == said

    @pytest.mark.parametrize(
        "said", ["a\x00b", "half a pair \ud83d", "\U0001f600 é 日本", "", "x" * 2_000_000]
    )
    def test_any_text_lands(self, ledger: Ledger, worker: Worker, said: str) -> None:
        (attempt,) = claim(ledger, worker, [1]).mine
        ledger.land([landing(attempt, text=said)])
        kept = ledger.known(ids([1]))[attempt.request_id].answer
        assert kept is not None
        assert kept.text == said.replace("\x00", "\ufffd").replace("\ud83d", "\ufffd")

    def test_the_same_request_twice_in_a_group_is_one(self, ledger: Ledger, worker: Worker) -> None:
        assert len(claim(ledger, worker, [1, 1, 2]).mine) == 2

    def test_a_request_in_flight_cannot_be_claimed_again(self, ledger: Ledger, worker: Worker) -> None:
        claim(ledger, worker, [1])
        again = claim(ledger, worker, [1, 2])
        assert [entry.request_id for entry in again.others] == ids([1])
        assert [attempt.request_id for attempt in again.mine] == ids([2])

    def test_the_database_itself_forbids_two_attempts_in_flight(
        self, url: str, ledger: Ledger, worker: Worker
    ) -> None:
        claim(ledger, worker, [1])
        database = Database(url)
        with database.reading() as con:
            facts = dict(con.execute(select(attempts)).one()._mapping)
        again = {**facts, "id": "another", "number": 2}
        with pytest.raises(IntegrityError):
            database.write(lambda con: con.execute(attempts.insert(), again))
        ended = {**again, "state": "failed"}
        database.write(lambda con: con.execute(attempts.insert(), ended))
        database.close()

    def test_a_claim_that_is_repeated_after_an_unknown_commit_is_the_same(
        self, url: str, ledger: Ledger, worker: Worker
    ) -> None:
        fresh = {request_id: f"attempt-{request_id}" for request_id in ids(range(3))}
        database = Database(url)
        first, second = (
            database.write(
                lambda con: requests.claim(
                    con,
                    wanted(range(3)),
                    fresh,
                    worker_id=worker.worker_id,
                    run_id=RUN,
                    backend="online",
                    cap=CENT * 3,
                )
            )
            for _ in range(2)
        )
        database.close()
        assert len(first.mine) == 3
        assert second == first
        assert attempt_rows(url) == [("in_flight", CENT, None)] * 3

    def test_a_failed_one_may_be_sent_again_and_a_dead_one_not(self, ledger: Ledger, worker: Worker) -> None:
        first, second = claim(ledger, worker, [1, 2]).mine
        ledger.fail(
            [
                FailedAttempt(first, "429: slow down", may_retry=True, cost=Decimal(0)),
                FailedAttempt(second, "400: no such parameter", may_retry=False, cost=None),
            ]
        )
        again = claim(ledger, worker, [1, 2])
        assert [attempt.number for attempt in again.mine] == [2]
        assert [(entry.state, entry.problem) for entry in again.dead] == [("dead", "400: no such parameter")]
        assert [(r.problem, r.requests) for r in ledger.dead_reasons()] == [("400: no such parameter", 1)]
        assert ledger.spent(RUN) == spent("0", "0.02")

    def test_dead_requests_of_a_run_may_be_sent_again(self, ledger: Ledger, worker: Worker) -> None:
        for run, number in (("2026-11-20-a", 1), ("2026-11-21-b", 2)):
            (attempt,) = claim(ledger, worker, [number], run=run).mine
            ledger.fail([FailedAttempt(attempt, "no", may_retry=False, cost=Decimal(0))])
        assert ledger.retry_dead("2026-11-22-c") == 0
        assert ledger.retry_dead("2026-11-20-a") == 1
        assert [attempt.request_id for attempt in claim(ledger, worker, [1, 2]).mine] == ids([1])
        assert ledger.retry_dead() == 1
        assert [attempt.request_id for attempt in claim(ledger, worker, [1, 2]).mine] == ids([2])

    def test_released_attempts_cost_nothing(self, ledger: Ledger, worker: Worker) -> None:
        mine = claim(ledger, worker, range(3)).mine
        ledger.release(mine)
        ledger.release(mine)
        assert ledger.spent(RUN) == spent("0", "0")
        assert len(claim(ledger, worker, range(3), CENT * 3).mine) == 3

    def test_landing_twice_changes_nothing(self, ledger: Ledger, worker: Worker) -> None:
        mine = claim(ledger, worker, range(3)).mine
        ledger.land([landing(attempt, CENT) for attempt in mine])
        ledger.land([landing(attempt, CENT * 7, "something else") for attempt in mine])
        ledger.fail([FailedAttempt(attempt, "too late", may_retry=False, cost=None) for attempt in mine])
        assert {entry.answer for entry in ledger.known(ids(range(3))).values()} == {answer()}
        assert ledger.spent(RUN) == spent("0.03", "0")

    def test_sums_are_exact_to_the_nano_dollar(self, ledger: Ledger, worker: Worker) -> None:
        costs = [Decimal(i * 123_456_789 + 1).scaleb(-9) for i in range(500)]
        mine = claim(ledger, worker, range(501)).mine
        ledger.land([landing(a, cost) for a, cost in zip(mine, [*costs, None], strict=True)])
        assert ledger.spent(RUN) == spent(str(sum(costs)), "0.01")
        (total,) = ledger.totals(RUN)
        assert (total.known, total.known_attempts, total.unknown) == (sum(costs), 500, Sums(1, CENT))

    @pytest.mark.parametrize("cost", ["NaN", "-0.01", "Infinity"])
    def test_an_invalid_amount_is_refused(self, url: str, ledger: Ledger, worker: Worker, cost: str) -> None:
        (attempt,) = claim(ledger, worker, [1]).mine
        with pytest.raises(Exception, match="not an amount of money"):
            ledger.land([landing(attempt, Decimal(cost))])
        assert [state for state, *_ in attempt_rows(url)] == ["in_flight"]

    def test_thousands_are_claimed_and_landed_at_once(self, ledger: Ledger, worker: Worker) -> None:
        mine = claim(ledger, worker, range(2500)).mine
        ledger.land([landing(attempt, CENT) for attempt in mine])
        assert len(ledger.known(ids(range(2500)))) == 2500
        assert ledger.spent(RUN) == spent("25", "0")


class BudgetContract(WithLedger):
    """The cap of a run."""

    def test_requests_within_the_budget_are_claimed(self, ledger: Ledger, worker: Worker) -> None:
        done = claim(ledger, worker, range(5), Decimal("0.03"))
        assert (len(done.mine), done.over_budget) == (3, ids([3, 4]))
        assert isinstance(done.exhausted, BudgetExhaustedError)
        said = str(done.exhausted)
        assert "0.03 USD, 0.00 are spent and 0.03 are reserved" in said
        assert "the same command again with DRP_BUDGET_USD=0.05 or more" in said

    def test_the_last_cent_may_be_spent(self, ledger: Ledger, worker: Worker) -> None:
        assert claim(ledger, worker, range(3), Decimal("0.03")).exhausted is None
        assert claim(ledger, worker, [4], Decimal("0.030000001")).over_budget == ids([4])
        nano = ledger.claim(
            wanted([5], Decimal("1e-9")), worker, run_id=RUN, backend="online", cap=Decimal("0.030000001")
        )
        assert len(nano.mine) == 1

    def test_without_a_budget_only_free_requests_are_claimed(self, ledger: Ledger, worker: Worker) -> None:
        free = ledger.claim(wanted([1], Decimal(0)), worker, run_id=RUN, backend="online", cap=Decimal(0))
        assert len(free.mine) == 1
        assert claim(ledger, worker, [2], Decimal(0)).over_budget == ids([2])

    def test_an_answer_cheaper_than_its_estimate_frees_budget(self, ledger: Ledger, worker: Worker) -> None:
        (attempt,) = claim(ledger, worker, [1], CENT).mine
        assert claim(ledger, worker, [2], CENT).over_budget == ids([2])
        ledger.land([landing(attempt, Decimal(0))])
        assert len(claim(ledger, worker, [2], CENT).mine) == 1

    def test_each_run_has_a_separate_budget(self, ledger: Ledger, worker: Worker) -> None:
        claim(ledger, worker, [1], CENT)
        assert len(claim(ledger, worker, [2], CENT, "2026-11-21-drp").mine) == 1

    def test_requests_with_an_answer_are_free(self, ledger: Ledger, worker: Worker) -> None:
        ledger.land([landing(attempt) for attempt in claim(ledger, worker, range(3)).mine])
        assert len(claim(ledger, worker, range(3), Decimal(0)).landed) == 3

    def test_four_processes_never_exceed_the_cap(self, url: str, ledger: Ledger) -> None:
        processes = [start(url, "spend", first, 40, "0.50") for first in range(0, 160, 40)]
        assert [hear(process) for process in processes] == ["ready"] * 4
        for process in processes:
            say(process, "go")
        own = [int(hear(process)) for process in processes]
        for process in processes:
            assert process.wait(LIMIT_S) == 0
        money = ledger.spent(RUN)
        assert sum(own) == len(attempt_rows(url)) > 50, "what landed for half of its estimate made room"
        assert Decimal("0.49") < money.total <= Decimal("0.50")


class BatchContract(WithLedger):
    """Batches from the plan to the last row."""

    def test_a_batch_passes_through_all_states(self, ledger: Ledger, worker: Worker) -> None:
        batch_id, mine = plan(ledger, worker, range(5))
        (batch,) = ledger.batches(["planned"])
        assert (batch.batch_id, batch.run_id, batch.requests) == (batch_id, RUN, 5)
        assert (batch.estimated_tokens, batch.estimated, batch.is_orphan) == (500, Decimal("0.05"), False)
        assert {e.state for e in ledger.known(ids(range(5))).values()} == {"planned"}
        assert ledger.record_upload(batch_id, "file-1")
        assert ledger.record_submission(batch_id, "batch_1", "validating")
        assert ledger.record_submission(batch_id, "batch_1", "validating"), "again is harmless"
        assert {(e.state, e.batch_id) for e in ledger.known(ids(range(5))).values()} == {
            ("submitted", batch_id)
        }
        ledger.record_state(batch_id, "in_progress")
        ledger.end_batch(batch_id, "expired", output_file_id="file-2", error_file_id="file-3")
        (batch,) = ledger.batches(["ended"])
        assert (batch.provider_batch_id, batch.provider_state) == ("batch_1", "expired")
        assert (batch.input_file_id, batch.output_file_id, batch.error_file_id) == (
            "file-1",
            "file-2",
            "file-3",
        )
        assert batch.submitted_at
        assert batch.ended_at
        assert sorted(a.attempt_id for a in ledger.batch_attempts(batch_id)) == sorted(
            a.attempt_id for a in mine
        )
        ledger.land([landing(attempt) for attempt in mine[:2]])
        ledger.fail([FailedAttempt(mine[2], "400: bad", may_retry=False, cost=Decimal(0))])
        assert (ledger.land_batch(batch_id, "expired"), ledger.land_batch(batch_id, "expired")) == (2, 0)
        (batch,) = ledger.batches(["landed"])
        assert batch.landed_at
        assert ledger.batch_attempts(batch_id) == []
        assert ledger.spent(RUN) == spent("0.02", "0")
        again = claim(ledger, worker, range(5))
        assert [attempt.request_id for attempt in again.mine] == ids([3, 4])
        assert (len(again.landed), len(again.dead)) == (2, 1)

    def test_attempts_in_a_batch_are_not_lost_with_their_worker(self, ledger: Ledger) -> None:
        with ledger.worker() as worker:
            batch_id, _ = plan(ledger, worker, range(3))
            ledger.record_submission(batch_id, "batch_1", "validating")
        assert ledger.recover() == 0
        assert [batch.is_orphan for batch in ledger.batches(["submitted"])] == [True]
        with ledger.worker() as other:
            assert len(claim(ledger, other, range(3)).others) == 3
            ledger.land([landing(attempt) for attempt in ledger.batch_attempts(batch_id)])
            assert len(claim(ledger, other, range(3)).landed) == 3

    def test_an_abandoned_batch_cannot_be_continued(self, ledger: Ledger, worker: Worker) -> None:
        batch_id, _ = plan(ledger, worker, range(3))
        assert ledger.abandon_batch(batch_id, "the provider does not have it") == 3
        assert not ledger.record_upload(batch_id, "file-1")
        assert not ledger.record_submission(batch_id, "batch_1", "validating")
        assert len(claim(ledger, worker, range(3), Decimal("0.03")).mine) == 3

    def test_requests_of_other_workers_stay_out_of_a_batch(self, ledger: Ledger, worker: Worker) -> None:
        claim(ledger, worker, range(2))
        batch_id, done = ledger.plan_batch(wanted(range(4)), worker, run_id=RUN, cap=Decimal("0.03"))
        assert (len(done.mine), len(done.others), done.over_budget) == (1, 2, ids([3]))
        assert ledger.batches(["planned"])[0].requests == 1
        none, done = ledger.plan_batch(wanted(range(3)), worker, run_id=RUN, cap=None)
        assert (none, done.mine) == (None, [])
        assert [batch.batch_id for batch in ledger.batches(["planned"])] == [batch_id]
