"""The online driver with a faulty provider: every request gets one reply, and the ledger is right."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from decimal import Decimal

import pytest

from drp.ledger.errors import BudgetExhaustedError
from drp.ledger.ledger import open_ledger
from drp.teacher.transport.errors import TeacherRefusedError, TeacherUnavailableError
from tests.fake_provider import provider
from tests.fake_provider.config import KEY
from tests.teacher.transport.online.nights import PLAIN, ask, driver, profile, requests

STORM = {
    **{"rate_limited": 0.05, "rate_limited_bare": 0.04, "http_500": 0.05, "http_503": 0.05},
    **{"reset_before": 0.03, "reset_after": 0.03, "hang": 0.01, "truncated": 0.03, "slow": 0.02},
}
"""Together, over a quarter of all requests have no answer."""
KILLS = int(os.environ.get("DRP_ONLINE_KILLS", "5"))


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(f"sqlite:///{tmp_path}/drp.db") as ledger:
        yield ledger


def nano(amount: Decimal) -> int:
    return int(amount * 10**9)


def test_every_request_has_its_answer_and_its_price(ledger):
    with provider(**PLAIN) as server:
        replies = ask(server.base_url, ledger, 300)
        assert sorted(r.answer.text for r in replies) == sorted(f"question {n}" for n in range(300))
        assert nano(ledger.spent("2026-11-20-r1").total) == server.totals()["nano_usd"] > 0
        assert server.totals()["asked"] == 300


def test_what_the_ledger_has_is_not_asked_again(ledger):
    with provider(**PLAIN) as server:
        first = ask(server.base_url, ledger, 40)
        again = ask(server.base_url, ledger, 42)
        assert server.totals()["asked"] == 42
        texts = {r.request.request_id: r.answer.text for r in again}
        assert all(texts[r.request.request_id] == r.answer.text for r in first)


def test_the_same_request_twice_in_a_stream_is_bought_once_and_answered_twice(ledger):
    with provider(**PLAIN, latency_s=0.2) as server, driver(server.base_url, ledger) as online:
        one, two = list(requests(profile(server.base_url), 1)), list(requests(profile(server.base_url), 1))
        assert [r.answer.text for r in online.replies([*one, *two])] == ["question 0"] * 2
        assert server.totals()["asked"] == 1


def test_a_storm_passes(ledger):
    with provider(**PLAIN, faults={"online": STORM, "seed": 7}) as server:
        replies = ask(server.base_url, ledger, 200)
        outcomes = Counter("answered" if r.answer else str(r.problem) for r in replies)
        assert outcomes["answered"] == 200, outcomes
        totals = server.totals()
        assert totals["asked"] > 230
        lost = nano(ledger.spent("2026-11-20-r1").reserved)  # may have been billed
        assert (
            nano(ledger.spent("2026-11-20-r1").known)
            <= totals["nano_usd"]
            <= nano(ledger.spent("2026-11-20-r1").known) + lost
        )


@pytest.mark.parametrize(
    ("settings", "options", "message"),
    [
        ({}, {"key": "sk-wrong-0123456789"}, "the key is wrong"),
        ({}, {"model": "gpt-none"}, "no such model"),
        ({"keys": {KEY: "exhausted"}}, {}, "no money left"),
        ({"keys": {KEY: "forbidden"}}, {}, "no permission"),
    ],
)
def test_a_refusal_of_all_requests_fails_after_one_request(ledger, settings, options, message):
    with provider(**PLAIN, **settings) as server, driver(server.base_url, ledger, **options) as online:
        model = options.get("model", "stand-in")
        with pytest.raises(TeacherRefusedError, match=message) as caught:
            list(online.replies(requests(profile(server.base_url, model=model), 50)))
        assert server.totals()["asked"] <= 1
        assert "sk-wrong" not in str(caught.value)
        assert ledger.spent("2026-11-20-r1").total == 0
        assert sum(total.attempts for total in ledger.totals()) == 1


def test_a_provider_that_is_down_ends_in_a_transient_error(ledger):
    with pytest.raises(TeacherUnavailableError, match="no answer for"):
        ask("http://127.0.0.1:9/v1", ledger, 5, patience_s=1.0)
    assert ledger.spent("2026-11-20-r1").total == 0


def test_a_request_that_never_works_is_given_up_and_the_others_go_on(ledger, monkeypatch):
    monkeypatch.setattr("drp.teacher.transport.online.sender.TRIES", 2)
    with provider(**PLAIN, faults={"online": {"http_500": 0.3}, "seed": 3}) as server:
        replies = ask(server.base_url, ledger, 60)
        dead = [r.problem for r in replies if r.answer is None]
        assert len(replies) == 60
        assert 0 < len(dead) < 30
        assert all(problem.startswith("dead: 500") for problem in dead)


def test_rejected_requests_are_given_up_and_the_others_go_on(ledger):
    with provider(**PLAIN, faults={"online": {"retired": 0.15}, "seed": 6}) as server:
        replies = ask(server.base_url, ledger, 100)
        problems = [reply.problem for reply in replies if reply.answer is None]
        assert len(replies) == 100
        assert 5 < len(problems) < 30
        assert all("Preview ended on" in problem for problem in problems)
        assert server.totals()["asked"] == 100  # none of them was asked again
        asked = ask(server.base_url, ledger, 100)
        assert server.totals()["asked"] == 100
        assert {reply.problem for reply in asked} == {reply.problem for reply in replies}


def test_the_cap_holds_and_what_landed_is_kept(ledger):
    with provider(**PLAIN) as server:
        cap = Decimal("0.003")  # an estimate is 0.00015
        with (
            driver(server.base_url, ledger, cap=str(cap)) as online,
            pytest.raises(BudgetExhaustedError, match="DRP_BUDGET_USD="),
        ):
            list(online.replies(requests(profile(server.base_url), 500)))
        spent = ledger.spent("2026-11-20-r1")
        assert 0 < spent.total <= cap
        bought = server.totals()["asked"]
        assert len(ask(server.base_url, ledger, 500)) == 500
        assert server.totals()["asked"] == 500
        assert 0 < bought < 500


def test_leaving_early_waits_for_what_is_paid(ledger):
    with provider(**PLAIN, latency_s=0.1) as server:
        with driver(server.base_url, ledger) as online:
            next(iter(online.replies(requests(profile(server.base_url), 100))))
        assert nano(ledger.spent("2026-11-20-r1").known) == server.totals()["nano_usd"]
        assert ledger.spent("2026-11-20-r1").reserved == 0


def test_killed_at_random_moments_nothing_that_arrived_is_bought_again(tmp_path, capsys):
    address, count, kills = f"sqlite:///{tmp_path}/drp.db", 400, 0
    chance = random.Random(11)  # noqa: S311
    with provider(**PLAIN, latency_s=0.15, latency_spread=0.9) as server:
        command = [
            sys.executable,
            "-m",
            "tests.teacher.transport.online.nights",
            server.base_url,
            address,
            str(count),
        ]
        while True:
            asked = server.totals()["asked"]
            worker = subprocess.Popen(command)
            if kills == KILLS:
                assert worker.wait(120) == 0
                break
            while server.totals()["asked"] == asked and worker.poll() is None:
                time.sleep(0.02)
            time.sleep(chance.uniform(0, 0.4))
            worker.send_signal(signal.SIGKILL)
            kills += worker.wait(30) == -signal.SIGKILL
        totals = server.totals()
    with open_ledger(address) as ledger:
        [total] = ledger.totals("2026-11-20-r1")
        spent = ledger.spent("2026-11-20-r1")
    twice = totals["paid_twice"]
    with capsys.disabled():
        print(
            f"\n{kills} kills: {totals['billed']} billed for {count} requests, {twice} bought twice; "
            f"{total.lost.attempts} marked lost in flight, about {spent.reserved} USD"
        )
    assert total.landed == count
    assert twice <= total.lost.attempts
    assert total.lost.attempts <= kills * 16
    assert nano(spent.known) <= totals["nano_usd"] <= nano(spent.known + spent.reserved)
