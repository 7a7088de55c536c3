"""The batch driver on the fake provider: one reply for each request, paid once, across batches."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from drp.ledger.completions import Usage
from drp.ledger.errors import BudgetExhaustedError
from drp.ledger.ledger import open_ledger
from drp.teacher.transport.batch import BatchesPendingError
from drp.teacher.transport.batch.polling import give_up, has_ended
from tests.teacher.transport.batch.nights import (
    PLAIN,
    assert_books_agree,
    night,
    profile,
    questions,
    requests,
    texts,
)

pytestmark = pytest.mark.services


def test_every_request_has_its_answer(server, ledger):
    with night(server, ledger) as one:
        assert texts(one.ask(300)) == questions(300)
        reply = one.seen[0]
        (asked,) = requests(one.teacher, 1, first=int(reply.answer.text.split()[1]))
        assert reply.request == asked
        assert reply.answer.finish_reason == "stop"
        assert reply.answer.usage.completion_tokens == 3
    assert_books_agree(server, ledger)
    assert len(ledger.batches(["landed"])) == 1
    assert server.totals()["files"] == 1  # the answers; the questions are deleted


def test_what_has_landed_costs_nothing_and_what_is_new_costs_only_itself(server, ledger):
    with night(server, ledger) as one:
        one.ask(50)
        before = server.totals()["billed"]
        assert texts(one.ask(50)) == questions(50)
        assert server.totals()["billed"] == before
        assert texts(one.ask(51)) == questions(51)
        assert server.totals()["billed"] == before + 1


def test_the_same_request_twice_has_two_replies_and_is_paid_once(server, ledger):
    with night(server, ledger) as one:
        twice = [*requests(one.teacher, 3), *requests(one.teacher, 3)]
        assert texts(list(one.driver().replies(twice))) == sorted(questions(3) * 2)
    assert server.totals()["billed"] == 3


def test_two_nights_that_want_the_same_pay_it_once(server, tmp_path):
    server.set(batches={"row_s": 0.005})

    def ask(run):
        with open_ledger(f"sqlite:///{tmp_path / 'both.db'}") as own, night(server, own, run=run) as one:
            return texts(one.ask(80))

    with ThreadPoolExecutor(2) as pool:
        assert (
            list(pool.map(ask, ["2026-11-20-r1", "2026-11-20-r2"]))
            == [sorted(questions(80), key=lambda t: (len(t), t))] * 2
        )
    assert (server.totals()["billed"], server.totals()["paid_twice"]) == (80, 0)


def test_lines_end_where_the_file_says_and_nowhere_else(server, ledger):
    odd = "one\u2028two\u0085three\x0bfour\r\nfive"
    with night(server, ledger) as one:
        body = {"model": "stand-in", "messages": [{"role": "user", "content": odd}]}
        request = replace(next(requests(one.teacher, 1)), body=body)
        (reply,) = one.driver().replies([request])
        assert reply.answer.text == odd


def test_no_request_is_no_batch(server, ledger):
    with night(server, ledger) as one:
        assert one.ask(0) == []
    assert ledger.batches(["landed"]) == []


def test_batches_follow_each_other_as_the_token_limit_lets_them(server, ledger):
    server.restart(**PLAIN, enqueued_tokens=400, batches={"row_s": 0.002})
    with night(server, ledger, enqueued_tokens=400) as one:
        assert texts(one.ask(120)) == questions(120)
    assert_books_agree(server, ledger)
    assert len(ledger.batches(["landed"])) >= 4
    assert {batch.provider_state for batch in ledger.batches(["landed"])} == {"completed"}


@pytest.mark.parametrize("enqueued_tokens", [None, 100_000])
def test_a_batch_for_which_there_is_no_room_goes_again_smaller(server, ledger, enqueued_tokens):
    server.restart(**PLAIN, enqueued_tokens=400)
    with night(server, ledger, enqueued_tokens=enqueued_tokens) as one:
        assert texts(one.ask(60)) == questions(60)
    assert_books_agree(server, ledger)
    states = [batch.provider_state for batch in ledger.batches(["landed"])]
    assert states[0] == "failed"
    assert states.count("completed") >= 2


def test_estimates_that_are_too_low_only_cost_time(server, ledger):
    server.restart(**PLAIN, enqueued_tokens=200)
    with night(server, ledger, enqueued_tokens=200) as one:
        low = [replace(r, estimate=Usage(4, 0, 4)) for r in requests(one.teacher, 60)]
        assert texts(list(one.driver().replies(low))) == questions(60)
        assert_books_agree(server, ledger)


def test_a_request_larger_than_the_limit_is_reported_and_not_sent(server, ledger):
    with night(server, ledger, enqueued_tokens=11) as one:
        (reply,) = one.ask(1)
        assert reply.answer is None
        assert "12 tokens" in reply.problem
    assert server.totals()["asked"] == 0


def test_an_expired_batch_is_landed_and_its_remainder_goes_again(server, ledger):
    server.restart(**PLAIN, clock_speed=43_200, batches={"stall_after": 30})
    with night(server, ledger) as one:
        assert texts(one.ask(70)) == questions(70)  # 30, 30 and 10
    assert_books_agree(server, ledger)
    states = sorted(batch.provider_state for batch in ledger.batches(["landed"]))
    assert states == ["completed", "expired", "expired"]


def test_a_cancelled_batch_is_landed_and_its_remainder_goes_again(server, ledger):
    server.set(batches={"stall_after": 20})
    with night(server, ledger, given_up="cancel") as one:
        ids = one.leave(50).batch_ids
        until_done(one, 20)
        assert give_up("tester", one.teacher, ids) == list(ids)
        while not has_ended("tester", one.teacher, ids):
            time.sleep(0.02)
        assert give_up("tester", one.teacher, ids) == []
        server.set(batches={"stall_after": None})
        assert texts(one.ask(50)) == questions(50)
    assert_books_agree(server, ledger)


def test_given_up_what_was_not_started_is_cancelled_by_default_and_else_as_the_profile_says(server, ledger):
    server.set(batches={"stall_after": 20})
    with night(server, ledger) as one:
        begun = one.leave(50).batch_ids
        until_done(one, 20)
        assert give_up("tester", one.teacher, begun) == []
        server.set(batches={"hold": True})
        held = one.leave(10, first=50).batch_ids
        assert set(begun).isdisjoint(held)
        assert give_up("tester", profile(server.base_url, given_up="keep"), held) == []
        assert not has_ended("tester", one.teacher, held)
        assert give_up("tester", one.teacher, held) == list(held)


def until_done(one, count):
    """Wait until the provider has answered `count` rows of the only batch."""
    (batch,) = one.session.ledger.batches(["submitted"])
    while one.driver()._provider.batch(batch.provider_batch_id).request_counts.completed < count:
        time.sleep(0.02)


def test_a_budget_stops_before_the_submission_and_says_how_to_go_on(server, ledger):
    one_request = Decimal("0.000075")  # 12 × 2.5 + 12 × 10, per million, halved
    with night(server, ledger, cap=str(one_request * 10)) as one:
        with pytest.raises(BudgetExhaustedError, match="DRP_BUDGET_USD"):
            one.ask(100)
        answered = len(one.seen)
        assert 10 <= answered < 100
        assert ledger.spent("2026-11-20-r1").total <= one_request * 10
    with night(server, ledger, cap="1") as one:
        assert texts(one.ask(100)) == questions(100)
    assert_books_agree(server, ledger)


def test_without_money_nothing_is_sent(server, ledger):
    with night(server, ledger, cap="0") as one, pytest.raises(BudgetExhaustedError):
        one.ask(5)
    assert server.totals()["files"] == 0


def test_a_task_that_does_not_wait_resumes_until_all_answers_are_back(server, ledger):
    server.set(batches={"stall_after": 10})
    with night(server, ledger, enqueued_tokens=600) as one:
        one.ask(5)
        pending = one.leave(100)
        assert texts(one.seen) == questions(5)
        (submitted,) = ledger.batches(["submitted"])
        assert pending.batch_ids == (submitted.provider_batch_id,)
        assert pending.carry_at - submitted.submitted_at == timedelta(hours=26)
        server.set(batches={"stall_after": None})
        for _ in range(200):
            try:
                one.ask(100, may_defer_since=datetime.now(UTC))
                break
            except BatchesPendingError:
                time.sleep(0.05)
        assert texts(one.seen) == questions(100)
    assert_books_agree(server, ledger)


def test_what_is_not_back_in_time_is_carried_into_another_night(server, ledger):
    server.set(batches={"stall_after": 10})
    with night(server, ledger, carry_after_s=1, run="2026-11-20-r1") as one:
        assert {(reply.answer, reply.problem) for reply in one.ask(30)} == {(None, "carried")}
    server.set(batches={"stall_after": None})
    with night(server, ledger, run="2026-11-20-r2") as two:
        assert texts(two.ask(35)) == questions(35)
    assert_books_agree(server, ledger)
    by_run = {total.run_id: total.landed for total in ledger.totals()}
    assert by_run == {"2026-11-20-r1": 30, "2026-11-20-r2": 5}
