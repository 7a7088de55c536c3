"""A small night with each quirk of real providers: it ends by itself, loses no row, says what happened."""

import logging
import sqlite3
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from drp.ledger.ledger import open_ledger
from drp.pipeline.nightly import nightly
from drp.teacher.transport.errors import TeacherRefusedError, TeacherUnavailableError
from tests.fake_provider import provider
from tests.fake_provider.quirks import QUIRKS, REFUSALS
from tests.scripted_student.server import scripted
from tests.teacher.conftest import Nights, rows

pytestmark = pytest.mark.services

SMALL = {"questions": scripted(10, 3)["questions"]}
LIMITS = {"timeout_s": 1.0, "in_flight": 8, "patience_s": 60.0}
READABLE = {"parts", "thinking", "usage_text", "usage_floats", "no_usage", "usage_list", "blank_lines"}
"""Odd, and answers nevertheless."""
WORDS = {
    "null_choices": "holds no choice",
    "no_message": "holds no message",
    "object_content": "neither text nor parts",
    "failed": "ended the reply with 'error'",
    "no_resources": "insufficient_system_resource",
    "choice_error": "Upstream idle timeout exceeded",
    "error_429": "Slow down, please.",
    "error_list": "The model is overloaded.",
    "error_text": "upstream connect error",
    "error_name": "Overloaded",
    "wait_until_date": "asks for a pause of",
    "wait_until_epoch": "asks for a pause of",
    "wait_in_body": "asks for a pause of 2 s",
    "wait_a_day": "asks for a pause of 86400 s, longer than `patience_s` allows",
    "page": "We will be back soon",
    "drip": "no answer in time",
    "expired_key": "API key expired. Please renew the API key.",
    "retired": "Preview ended on 2026-11-30",
    "no_money_now": "You are out of credits, top up.",
}
"""What the log or the error says, where possible in the provider's own words."""
RESULTS = (
    "SELECT rollout_id, status, thinking, response, reject_reasons FROM revisions ORDER BY rollout_id, status"
)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The revisions of the same night with a provider without quirks."""
    with provider(batch_discount="0.5") as server, pytest.MonkeyPatch.context() as patch:
        night = Nights(tmp_path_factory.mktemp("calm"), server, patch)("online", **SMALL)
        results = rows(night, RESULTS)
    assert len(results) == 10
    assert "accepted" in {row["status"] for row in results}
    return results


def first_failure(teach: Nights) -> float:
    with sqlite3.connect(teach.folder / "ledger.db") as ledger:
        (at,) = ledger.execute("SELECT min(ended_at) FROM attempts WHERE state != 'landed'").fetchone()
    return datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()


def assert_the_log_says(words: str, teach: Nights, caplog: pytest.LogCaptureFixture) -> None:
    times = [record.created for record in caplog.records if words in record.getMessage()]
    assert times, [record.getMessage() for record in caplog.records]
    assert min(times) < first_failure(teach) + 10.0


def assert_books_agree(teach: Nights, server: Any, backend: str = "online") -> None:
    with open_ledger(teach.url("ledger.db")) as ledger:
        totals = ledger.totals()
        dead = ledger.dead_reasons(None)
    known = int(sum(total.known for total in totals) * 10**9)
    reserved = int(sum(total.lost.estimated + total.unknown.estimated for total in totals) * 10**9)
    billed = server.totals()["by_mode"].get(backend, 0)
    assert dead == []
    assert known <= billed <= known + 2 * reserved
    if reserved == 0:
        assert known == billed


@pytest.mark.parametrize("quirk", [quirk for quirk in QUIRKS if quirk not in ("wait_a_day", "no_money")])
def test_a_quirk_that_passes_changes_nothing(teach, server, calm, caplog, quirk):
    server.set_faults(online={quirk: 1.0 if quirk in READABLE else 0.5}, until_attempt=1, seed=2)
    with caplog.at_level(logging.INFO):
        night = teach("online", profile={"limits": LIMITS}, **SMALL)
    assert rows(night, RESULTS) == calm
    assert_books_agree(teach, server)
    assert not [record for record in caplog.records if record.exc_info]
    attempts = server.totals()["asked"]
    if quirk in READABLE:
        assert attempts == server.totals()["bodies"]
    else:
        assert attempts > len(server.asked())
        assert_the_log_says(WORDS[quirk], teach, caplog)


PERMANENT = ("wait_a_day", "null_choices", "failed", "error_list", "error_text", "drip")


@pytest.mark.parametrize("quirk", PERMANENT)
def test_a_quirk_that_stays_ends_the_night_and_another_one_goes_on(teach, server, calm, caplog, quirk):
    patience_s = 6.0
    server.set_faults(online={quirk: 1.0})
    limits = LIMITS | {"patience_s": patience_s}
    night = teach.open("online", profile={"limits": limits}, **SMALL)
    with caplog.at_level(logging.INFO), pytest.raises(TeacherUnavailableError, match="no answer for"):
        nightly(night)
    with sqlite3.connect(teach.folder / "ledger.db") as ledger:
        (started,) = ledger.execute("SELECT min(started_at) FROM attempts").fetchone()
    since = time.time() - datetime.fromisoformat(started).replace(tzinfo=UTC).timestamp()
    assert since < patience_s + 2 * LIMITS["timeout_s"] + 5.0
    assert_the_log_says(WORDS[quirk], teach, caplog)
    server.set_faults()
    nightly(night)
    assert rows(night, RESULTS) == calm
    assert_books_agree(teach, server)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_of_everything_under_way_stops_the_night_and_rejects_no_row(teach, server, calm, refusal):
    server.set(expires_after=2, expiry=refusal)
    night = teach.open("online", profile={"limits": LIMITS}, **SMALL)
    with pytest.raises(TeacherRefusedError) as caught:
        nightly(night)
    assert WORDS[refusal] in str(caught.value)
    assert server.totals()["asked"] <= 2 + LIMITS["in_flight"]
    server.set(expires_after=None)
    nightly(night)
    assert rows(night, RESULTS) == calm
    assert_books_agree(teach, server)


def test_a_request_without_room_is_asked_once_more_with_less(teach, server, calm, caplog):
    server.set(context=5_000)
    with caplog.at_level(logging.INFO):
        night = teach("online", profile={"limits": LIMITS}, **SMALL)
    totals = server.totals()
    assert totals["billed"] == totals["asked"] >= 10
    assert [{**row, "reject_reasons": None} for row in rows(night, RESULTS)] == [
        {**row, "reject_reasons": None} for row in calm
    ]
    assert "maximum context length is 5000 tokens" in caplog.text


def test_a_profile_that_knows_its_context_is_never_without_room(teach, server, calm):
    server.set(context=5_500)
    night = teach("online", profile={"limits": LIMITS | {"context": 5_100}}, **SMALL)
    assert rows(night, RESULTS) == calm
    assert_books_agree(teach, server)


def test_rows_of_batches_have_the_same_quirks(teach, server, calm):
    quirks = ["parts", "usage_text", "null_choices", "failed", "error_429", "error_list"]
    server.set_faults(rows=dict.fromkeys(quirks, 1 / len(quirks)), until_attempt=2)
    night = teach("batch", **SMALL)
    assert rows(night, RESULTS) == calm
    assert_books_agree(teach, server, "batch")
    assert server.totals()["asked"] > server.totals()["bodies"]


def test_a_batch_whose_every_row_is_refused_rejects_no_row(teach, server, calm):
    server.set_faults(rows={"row_400": 1.0})
    night = teach.open("batch", **SMALL)
    with pytest.raises(TeacherRefusedError, match="Invalid request"):
        nightly(night)
    server.set_faults()
    nightly(night)
    assert rows(night, RESULTS) == calm
    assert_books_agree(teach, server, "batch")
