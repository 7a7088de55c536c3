"""Faults with batches cost time but no answers, and errors say what a person must fix."""

import logging
import traceback

import pytest

from drp.core.errors import TerminalError
from drp.teacher.transport.batch.errors import BatchGoneError, BatchRefusedError
from drp.teacher.transport.credentials import api_key
from drp.teacher.transport.errors import TeacherRefusedError, TeacherUnavailableError
from tests.teacher.transport.batch.nights import (
    KEY_VARIABLE,
    PLAIN,
    assert_books_agree,
    night,
    profile,
    questions,
    texts,
)

pytestmark = pytest.mark.services


def test_a_batch_that_the_provider_does_not_know_is_not_sent_again(server, ledger):
    server.set(batches={"hold": True})
    with night(server, ledger) as one:
        one.leave(10)
        server.restart(**PLAIN)
        with pytest.raises(BatchGoneError, match="batch_"):
            one.ask(10)
    assert server.totals()["files"] == 0


def test_rows_that_fail_go_again_and_die_with_their_reason(server, ledger):
    server.set_faults(rows={"row_500": 0.2, "row_429": 0.2, "missing": 0.1}, until_attempt=2)
    with night(server, ledger) as one:
        assert texts(one.ask(100)) == questions(100)
        assert_books_agree(server, ledger)
        server.set_faults(rows={"row_500": 1.0})
        replies = one.ask(3, first=100)
        assert [reply.answer for reply in replies] == [None] * 3
        assert all("500" in reply.problem for reply in replies)
        asked = server.totals()["asked"]
        server.set_faults(rows={"row_400": 1.0})
        (reply,) = one.ask(1, first=103)
        assert "400" in reply.problem
        assert server.totals()["asked"] == asked + 1
        assert one.ask(1, first=103) == [reply]  # dead is dead
        assert server.totals()["asked"] == asked + 1
    missing = [total.unknown.attempts for total in ledger.totals()]
    assert missing[0] > 0


def test_errors_and_pages_under_status_200_cost_time_and_no_answer(server, ledger):
    odd = {"error_429": 0.2, "error_list": 0.1, "error_text": 0.1, "page": 0.2}
    server.set_faults(api=odd, seed=4)
    with night(server, ledger) as one:
        assert texts(one.ask(60)) == questions(60)
        assert_books_agree(server, ledger)
    assert server.totals()["asked"] == 60


def test_unusable_answers_are_kept_and_paid(server, ledger):
    server.set_faults(rows={"cut": 0.2, "empty": 0.2, "null": 0.2, "refusal": 0.2, "filtered": 0.2})
    with night(server, ledger) as one:
        replies = one.ask(60)
    found = {(r.answer.finish_reason, bool(r.answer.text), bool(r.answer.refusal)) for r in replies}
    assert found == {
        ("length", True, False),
        ("stop", False, False),
        ("stop", False, True),
        ("content_filter", False, False),
    }
    assert_books_agree(server, ledger)


def test_a_batch_whose_id_was_lost_is_found_again(server, ledger):
    server.set(batches={"stall_after": 5})
    with night(server, ledger) as one:
        server.set_faults(api={"reset_after": 1.0}, until_attempt=1)  # each call once, including `create`
        one.leave(20)
        server.set(batches={"stall_after": None})
        assert texts(one.ask(20)) == questions(20)
    assert len(ledger.batches(["landed", "abandoned"])) == 1
    assert_books_agree(server, ledger)


def test_a_batch_is_found_again_after_its_creator_died(server, ledger, monkeypatch):
    class Died(BaseException):
        pass

    def die(*_):
        raise Died

    with night(server, ledger) as one, monkeypatch.context() as patch:
        patch.setattr(type(ledger), "record_submission", die)
        with pytest.raises(Died):
            one.ask(20)
    assert [batch.state for batch in ledger.batches(["uploaded"])] == ["uploaded"]
    with night(server, ledger) as other:
        assert texts(other.ask(20)) == questions(20)
    assert_books_agree(server, ledger)


def test_an_intent_that_led_to_nothing_is_given_up(server, ledger, monkeypatch):
    class Died(BaseException):
        pass

    def die(*_):
        raise Died

    with night(server, ledger) as one:
        # The first process dies before the upload is recorded, the second one after it.
        for method in ("record_upload", "record_submission"):
            with monkeypatch.context() as patch, pytest.raises(Died):
                patch.setattr(type(ledger), "record_upload", die)
                if method == "record_submission":
                    patch.undo()
                    patch.setattr("drp.teacher.transport.batch.provider.BatchProvider.create", die)
                one.ask(20, first=20 * (method == "record_submission"))
    with night(server, ledger) as other:
        assert texts(other.ask(40)) == questions(40)
    assert len(ledger.batches(["abandoned"])) == 2
    assert_books_agree(server, ledger)


def test_faults_of_the_api_are_waited_out(server, ledger):
    faults = {
        "http_500": 0.1,
        "http_503": 0.1,
        "rate_limited_bare": 0.1,
        "reset_before": 0.1,
        "reset_after": 0.1,
    }
    server.restart(**PLAIN, file_delay_s=0.3, file_processing_s=0.5, faults={"api": faults})
    with night(server, ledger, enqueued_tokens=800) as one:
        assert texts(one.ask(150)) == questions(150)
    assert_books_agree(server, ledger)


def test_an_outage_ends_the_patience_and_nothing_is_lost(server, ledger):
    with night(server, ledger, patience_s=0.5) as one:
        server.set(batches={"stall_after": 5})
        one.leave(20)
        server.set_faults(api={"http_503": 1.0})
        with pytest.raises(TeacherUnavailableError, match="503"):
            one.ask(20)
        server.set_faults()
        server.set(batches={"stall_after": None})
        one.leave(40)
        assert texts(one.ask(40)) == questions(40)
    assert_books_agree(server, ledger)


@pytest.mark.parametrize(
    ("standing", "model", "why"),
    [
        ("wrong", "stand-in", "key is wrong"),
        ("forbidden", "stand-in", "403"),
        ("exhausted", "stand-in", "no money"),
        ("ok", "unheard-of", "model_not_found"),
    ],
)
def test_a_refusal_fails_after_one_request(
    server, ledger, monkeypatch, caplog, tmp_path, standing, model, why
):
    key = "sk-planted-77e1d0c2b9"
    caplog.set_level(logging.DEBUG)
    keys = {"sk-another": "ok"} | ({} if standing == "wrong" else {key: standing})
    server.restart(**PLAIN, keys=keys)
    monkeypatch.setenv(KEY_VARIABLE, key)
    with night(server, ledger, model=model) as one:
        with pytest.raises(TeacherRefusedError, match=why) as error:
            one.ask(10)
        assert "Next: " in str(error.value)
        assert key not in "".join(traceback.format_exception(error.value)) + caplog.text
    totals = server.totals()
    assert totals["asked"] == 0
    assert totals["files"] <= 1
    assert ledger.batches(["planned", "uploaded", "submitted", "ended"]) == []
    assert [total.in_flight.attempts for total in ledger.totals()] == [0]
    assert all(key.encode() not in path.read_bytes() for path in tmp_path.iterdir())


def test_an_account_that_runs_dry_within_a_batch_stops_the_night(server, ledger):
    server.set_faults(rows={"row_quota": 0.5})
    with night(server, ledger) as one:
        with pytest.raises(TeacherRefusedError, match="no money"):
            one.ask(40)
        assert 5 <= len(one.seen) <= 35
        server.set_faults()
        assert texts(one.ask(40)) == questions(40)
    assert_books_agree(server, ledger)


@pytest.mark.parametrize("code", ["invalid_json_line", "some_new_code"])
def test_a_batch_that_fails_its_validation_is_named(server, ledger, code):
    server.set(batches={"fail": [code]})
    with night(server, ledger) as one:
        with pytest.raises(BatchRefusedError, match=code) as error:
            one.ask(10)
        assert isinstance(error.value, TerminalError)
        assert texts(one.ask(10)) == questions(10)
    assert_books_agree(server, ledger)


def test_a_batch_that_fails_for_no_reason_of_ours_goes_again(server, ledger):
    server.set(batches={"fail": ["server_error"] * 2})
    with night(server, ledger) as one:
        assert texts(one.ask(10)) == questions(10)
    server.set(batches={"fail": ["server_error"] * 9})
    with night(server, ledger) as one, pytest.raises(BatchRefusedError):
        one.ask(10, first=10)


def test_a_key_is_needed(server, ledger, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, "")
    teacher = profile("https://batch.invalid/v1")
    with pytest.raises(TeacherRefusedError, match=KEY_VARIABLE):
        api_key("tester", teacher.api_key_env, teacher.base_url)
