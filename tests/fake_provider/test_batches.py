"""Files and batches of the fake provider go through the states that the API documents."""

import json
import time
from collections import Counter

import openai
import pytest

from tests.fake_provider import Provider, provider

pytestmark = pytest.mark.services


PLAIN = {"mind": "echo", "counter": "quarter"}


@pytest.fixture(scope="module")
def _server():
    with provider(**PLAIN) as one:
        yield one


@pytest.fixture
def server(_server):
    _server.restart(**PLAIN)
    return _server


def client(server: Provider) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.base_url, api_key=server.key, max_retries=0)


def row(name: str, **changes: object) -> dict:
    body = {"model": "stand-in", "messages": [{"role": "user", "content": f"question {name}"}]}
    return {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body} | changes


def rows(count: int) -> list[dict]:
    return [row(f"r{number}") for number in range(count)]


def upload(server: Provider, lines: list) -> str:
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    return client(server).files.create(file=("in.jsonl", text.encode()), purpose="batch").id


def submit(server: Provider, lines: list, **more: object) -> openai.types.Batch:
    return client(server).batches.create(
        input_file_id=upload(server, lines),
        endpoint="/v1/chat/completions",
        completion_window="24h",
        **more,
    )


def until(server: Provider, batch_id: str, *states: str) -> openai.types.Batch:
    deadline = time.monotonic() + 20
    while (batch := client(server).batches.retrieve(batch_id)).status not in states:
        assert time.monotonic() < deadline, batch.status
        time.sleep(0.02)
    return batch


def lines_of(server: Provider, file_id: str | None) -> list[dict]:
    if file_id is None:
        return []
    return [json.loads(line) for line in client(server).files.content(file_id).text.splitlines()]


def test_a_batch_completes_at_half_price(server):
    batch = submit(server, rows(30), metadata={"key": "value"})
    assert batch.status == "validating"
    assert batch.metadata == {"key": "value"}
    batch = until(server, batch.id, "completed")
    assert (batch.request_counts.total, batch.request_counts.completed) == (30, 30)
    assert batch.error_file_id is None
    done = lines_of(server, batch.output_file_id)
    assert sorted(line["custom_id"] for line in done) == sorted(f"r{n}" for n in range(30))
    assert [line["custom_id"] for line in done] != [f"r{n}" for n in range(30)]  # no order is promised
    for line in done:
        body = line["response"]["body"]
        assert line["error"] is None
        assert body["choices"][0]["message"]["content"] == f"question {line['custom_id']}"
    usage = done[0]["response"]["body"]["usage"]
    entry = next(e for e in server.books() if e["id"] == done[0]["response"]["body"]["id"])
    full = usage["prompt_tokens"] * 2500 + usage["completion_tokens"] * 10_000
    assert entry["nano_usd"] * 2 == full
    assert entry["batch_id"] == batch.id


def test_rows_that_fail_are_in_the_error_file(server):
    server.set_faults(rows={"row_500": 0.2, "row_429": 0.2, "missing": 0.2, "cut": 0.2})
    batch = until(server, submit(server, rows(100)).id, "completed")
    done, failed = lines_of(server, batch.output_file_id), lines_of(server, batch.error_file_id)
    status = Counter(line["response"]["status_code"] for line in failed)
    assert set(status) == {429, 500}
    assert 20 <= len(failed) <= 60
    assert 5 <= 100 - len(done) - len(failed) <= 40
    assert server.totals()["billed"] == len(done)
    reasons = Counter(line["response"]["body"]["choices"][0]["finish_reason"] for line in done)
    assert set(reasons) == {"stop", "length"}


@pytest.mark.parametrize(
    ("lines", "code", "line"),
    [
        (["no json"], "invalid_json_line", 1),
        ([row("a"), row("a")], "duplicate_custom_id", 2),
        ([row("a"), row("b", url="/v1/embeddings")], "invalid_url", 2),
        (
            [row("a"), row("b", body={"model": "other", "messages": []})],
            "mismatched_model",
            2,
        ),
        ([row("a", body={"model": "other", "messages": []})], "model_not_found", 1),
        ([], "empty_file", None),
    ],
)
def test_bad_files_fail_after_create_has_succeeded(server, lines, code, line):
    batch = until(server, submit(server, lines).id, "failed")
    assert [(error.code, error.line) for error in batch.errors.data] == [(code, line)]
    assert server.totals()["billed"] == 0


def test_too_many_enqueued_tokens_fail_the_batch_until_there_is_room(server):
    server.restart(**PLAIN, enqueued_tokens=300, batches={"stall_after": 0})
    first = submit(server, rows(20))
    until(server, first.id, "in_progress")
    second = until(server, submit(server, rows(20)).id, "failed")
    assert second.errors.data[0].code == "token_limit_exceeded"
    client(server).batches.cancel(first.id)
    until(server, first.id, "cancelled")
    server.set(batches={"stall_after": None})
    until(server, submit(server, rows(20)).id, "completed")


def test_an_expired_batch_keeps_what_is_done(server):
    server.restart(**PLAIN, clock_speed=86_400, batches={"stall_after": 7})
    batch = until(server, submit(server, rows(20)).id, "expired")
    assert len(lines_of(server, batch.output_file_id)) == 7
    failed = lines_of(server, batch.error_file_id)
    assert {(line["error"]["code"], line["response"]) for line in failed} == {("batch_expired", None)}
    assert len(failed) == 13
    assert server.totals()["billed"] == 7
    assert batch.expired_at >= batch.expires_at > batch.created_at + 86_000


def test_a_cancelled_batch_keeps_what_is_done(server):
    server.set(batches={"stall_after": 7})
    batch = submit(server, rows(20))
    until(server, batch.id, "in_progress")
    while client(server).batches.retrieve(batch.id).request_counts.completed < 7:
        time.sleep(0.01)
    assert client(server).batches.cancel(batch.id).status == "cancelling"
    batch = until(server, batch.id, "cancelled")
    assert len(lines_of(server, batch.output_file_id)) == server.totals()["billed"] == 7
    assert {line["error"]["code"] for line in lines_of(server, batch.error_file_id)} == {"batch_cancelled"}
    with pytest.raises(openai.ConflictError):
        client(server).batches.cancel(batch.id)


def test_batches_are_listed_newest_first_in_pages(server):
    made = [submit(server, rows(1)).id for _ in range(5)]
    page = client(server).batches.list(limit=2)
    assert [batch.id for batch in page.data] == made[:2:-1]
    assert page.has_more
    assert [batch.id for batch in client(server).batches.list(limit=2)] == made[::-1]
    server.set(batches={"listing_delay_s": 60})
    assert list(client(server).batches.list()) == []


def test_a_new_file_is_not_there_at_once(server):
    server.restart(**PLAIN, file_delay_s=0.5, file_processing_s=1.0)
    api = client(server)
    file_id = upload(server, rows(1))
    with pytest.raises(openai.NotFoundError, match="No such File object"):
        api.files.retrieve(file_id)
    with pytest.raises(openai.NotFoundError, match="No such File object"):
        api.batches.create(input_file_id=file_id, endpoint="/v1/chat/completions", completion_window="24h")
    time.sleep(0.6)
    assert api.files.retrieve(file_id).status == "uploaded"
    time.sleep(0.5)
    assert api.files.retrieve(file_id).status == "processed"
    assert api.files.delete(file_id).deleted
    with pytest.raises(openai.NotFoundError):
        api.files.retrieve(file_id)


def test_what_create_refuses(server):
    with pytest.raises(openai.BadRequestError, match="metadata"):
        submit(server, rows(1), metadata={str(n): "v" for n in range(17)})
    with pytest.raises(openai.BadRequestError, match="metadata"):
        submit(server, rows(1), metadata={"k": "v" * 513})
    with pytest.raises(openai.BadRequestError, match="Invalid value"):
        client(server).batches.create(
            input_file_id=upload(server, rows(1)), endpoint="/v1/embeddings", completion_window="24h"
        )
    server.set(batches={"max_bytes": 100})
    with pytest.raises(openai.APIStatusError) as error:
        upload(server, rows(10))
    assert error.value.status_code == 413


def test_a_create_whose_answer_is_lost_was_done(server):
    file_id = upload(server, rows(1))
    server.set_faults(api={"reset_after": 1.0})
    with pytest.raises(openai.APIConnectionError):
        client(server).batches.create(
            input_file_id=file_id, endpoint="/v1/chat/completions", completion_window="24h"
        )
    server.set_faults()
    assert len(list(client(server).batches.list())) == 1
