"""The official client understands the fake provider's chat completions."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import openai
import pytest

from tests.fake_provider import Provider, provider
from tests.fake_provider.billing import digest
from tests.fake_provider.faults import ANSWERS

pytestmark = pytest.mark.services


PLAIN = {"mind": "echo", "counter": "quarter"}


def client(server: Provider, **options: object) -> openai.OpenAI:
    given = {"base_url": server.base_url, "api_key": server.key, "max_retries": 0, "timeout": 10} | options
    return openai.OpenAI(**given)


def body(text: str = "an answer", **more: object) -> dict:
    return {"model": "stand-in", "messages": [{"role": "user", "content": text}]} | more


@pytest.fixture(scope="module")
def server():
    with provider(**PLAIN, keys={"sk-ok-1": "ok", "sk-broke": "exhausted", "sk-barred": "forbidden"}) as one:
        yield one


def test_a_completion_is_answered_counted_and_billed(server):
    asked = body("word " * 40)
    answer = client(server).chat.completions.create(**asked)
    assert answer.choices[0].message.content == "word " * 40
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (3 + 4 + 50, 50)
    entry = server.books()[-1]
    assert entry["id"] == answer.id
    assert entry["digest"] == digest(asked)
    assert entry["nano_usd"] == int((57 * Decimal("2.5") + 50 * 10) * 1000)
    assert server.totals()["nano_usd"] == sum(e["nano_usd"] for e in server.books())


def test_a_limit_cuts_the_answer(server):
    answer = client(server).chat.completions.create(**body("x" * 400, max_completion_tokens=10))
    assert answer.choices[0].finish_reason == "length"
    assert answer.choices[0].message.content == "x" * 40
    assert answer.usage.completion_tokens == 10


def test_a_long_shared_beginning_is_cached_and_cheaper(server):
    long = {"role": "system", "content": "s" * 4 * 1500}
    costs = []
    for text in ("a", "b"):
        answer = client(server).chat.completions.create(
            model="stand-in", messages=[long, {"role": "user", "content": text}]
        )
        costs.append((answer.usage.prompt_tokens_details.cached_tokens, server.books()[-1]["nano_usd"]))
    assert [cached for cached, _ in costs] == [0, 1507 // 128 * 128]
    assert costs[0][1] - costs[1][1] == 1507 // 128 * 128 * 1250


@pytest.mark.parametrize(
    ("key", "model", "status", "code"),
    [
        ("sk-nobody-knows", "stand-in", 401, "invalid_api_key"),
        ("sk-ok-1", "unheard-of", 404, "model_not_found"),
        ("sk-broke", "stand-in", 429, "insufficient_quota"),
        ("sk-barred", "stand-in", 403, "unsupported_country_region_territory"),
    ],
)
def test_a_rejected_key_or_model_has_its_error(server, key, model, status, code):
    before = server.totals()["billed"]
    with pytest.raises(openai.APIStatusError) as error:
        client(server, api_key=key).chat.completions.create(**body(model=model))
    assert (error.value.status_code, error.value.code) == (status, code)
    assert set(error.value.body) == {"message", "type", "param", "code"}
    assert server.totals()["billed"] == before


@pytest.mark.parametrize(
    ("schema", "fits"),
    [
        ({"type": "object", "properties": {}, "required": [], "additionalProperties": False}, True),
        ({"type": "object", "properties": {}, "required": []}, False),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "string"}},
                "required": [],
                "additionalProperties": False,
            },
            False,
        ),
        ({"type": "array", "items": {"type": "string"}}, False),
    ],
)
def test_strict_schemas_are_checked_as_the_api_does(server, schema, fits):
    wanted = {"type": "json_schema", "json_schema": {"name": "s", "strict": True, "schema": schema}}
    if fits:
        client(server).chat.completions.create(**body(response_format=wanted))
    else:
        with pytest.raises(openai.BadRequestError, match="Invalid schema"):
            client(server).chat.completions.create(**body(response_format=wanted))


def test_models_are_listed(server):
    assert [model.id for model in client(server).models.list()] == ["stand-in"]


def test_limits_are_shown_and_kept():
    with provider(**PLAIN, requests_per_minute=3, tokens_per_minute=10_000) as server:
        raw = client(server).chat.completions.with_raw_response.create(**body())
        assert raw.headers["x-ratelimit-limit-requests"] == "3"
        assert raw.headers["x-ratelimit-remaining-requests"] == "2"
        assert raw.headers["x-ratelimit-reset-requests"].endswith("s")
        for _ in range(2):
            client(server).chat.completions.create(**body())
        with pytest.raises(openai.RateLimitError) as error:
            client(server).chat.completions.create(**body())
        assert error.value.code == "rate_limit_exceeded"
        assert 15 <= int(error.value.response.headers["retry-after"]) <= 20
        server.set(requests_per_minute=600)
        client(server).chat.completions.create(**body())
        client(server).chat.completions.create(**body("x" * 36_000))
        with pytest.raises(openai.RateLimitError, match="tokens per min") as error:
            client(server).chat.completions.create(**body("x" * 36_001))
        assert 30 <= int(error.value.response.headers["retry-after"]) <= 60
        with pytest.raises(openai.RateLimitError, match="tokens per min") as error:
            client(server).chat.completions.create(**body("x" * 40_001))
        assert "retry-after" not in error.value.response.headers


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("rate_limited", openai.RateLimitError),
        ("rate_limited_bare", openai.RateLimitError),
        ("http_500", openai.InternalServerError),
        ("http_503", openai.InternalServerError),
        ("reset_before", openai.APIConnectionError),
        ("reset_after", openai.APIConnectionError),
        ("truncated", openai.APIConnectionError),
        ("hang", openai.APITimeoutError),
    ],
)
def test_faults_on_the_wire_are_what_the_client_calls_them(server, fault, error):
    billed = server.totals()["billed"]
    server.set_faults(online={fault: 1.0})
    with pytest.raises(error) as caught:
        client(server, timeout=0.5).chat.completions.create(**body(fault))
    assert server.totals()["billed"] - billed == (fault in ("reset_after", "truncated"))
    if error is openai.RateLimitError:
        assert ("retry-after" in caught.value.response.headers) == (fault == "rate_limited")
    server.set_faults()


@pytest.mark.parametrize("fault", ANSWERS)
def test_unusable_answers_are_billed(server, fault):
    billed = server.totals()["billed"]
    server.set_faults(online={fault: 1.0})
    choice = client(server).chat.completions.create(**body('{"a": [1, 2, 3]}')).choices[0]
    server.set_faults()
    assert server.totals()["billed"] == billed + 1
    assert choice.message.content != '{"a": [1, 2, 3]}'
    assert choice.finish_reason == {"cut": "length", "filtered": "content_filter"}.get(fault, "stop")
    assert (choice.message.refusal is not None) == (fault == "refusal")


def test_the_same_seed_makes_the_same_faults_in_every_run():
    faults = {"online": {"http_500": 0.3, "empty": 0.3}, "seed": 7}

    def run() -> list[str]:
        with provider(**PLAIN, faults=faults) as server:
            seen = []
            for number in range(30):
                try:
                    answer = client(server).chat.completions.create(**body(str(number)))
                    seen.append(answer.choices[0].message.content)
                except openai.InternalServerError:
                    seen.append("error")
        return seen

    first = run()
    assert first == run()
    assert first.count("error") in range(3, 17)
    assert first.count("") in range(3, 17)


def test_many_requests_run_concurrently():
    with provider(**PLAIN, latency_s=0.5) as server, ThreadPoolExecutor(64) as pool:
        one = client(server, timeout=60)
        texts = [str(number) for number in range(128)]
        answers = pool.map(lambda text: one.chat.completions.create(**body(text)), texts)
        assert [answer.choices[0].message.content for answer in answers] == texts
        assert server.totals()["paid_twice"] == 0


def test_books_outlive_the_server(tmp_path):
    for _ in range(2):  # killed at the end of the block
        with provider(tmp_path, **PLAIN) as server:
            client(server).chat.completions.create(**body("the same"))
            totals = server.totals()
    assert (totals["billed"], totals["bodies"], totals["paid_twice"]) == (2, 1, 1)
    assert totals["nano_usd"] == sum(entry["nano_usd"] for entry in server.books())
