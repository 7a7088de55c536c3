"""Whatever a provider sends, it is read as an answer or it is none; nothing is a crash."""

import json

import httpx2
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drp.ledger.completions import Completion, Usage
from drp.teacher.transport.responses import answer_in, answer_of
from drp.teacher.transport.retry_policy import NoAnswerError, fault_of
from tests.fake_provider.quirks import ERRORS, twisted

KEY = "sk-proj-0123456789abcdef"


def completion(**choice: object) -> dict:
    first = {"message": {"role": "assistant", "content": "42"}, "finish_reason": "stop"} | choice
    usage = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
    usage |= {"prompt_tokens_details": {"cached_tokens": 0}}
    return {"id": "c-1", "choices": [first], "usage": usage}


def status_error(status: int, body: object, headers: dict | None = None) -> openai.APIStatusError:
    request = httpx2.Request("POST", "https://provider.example/v1")
    return openai.APIStatusError(
        "", response=httpx2.Response(status, request=request, headers=headers), body=body
    )


def failure(document: object) -> NoAnswerError:
    with pytest.raises(NoAnswerError) as caught:
        answer_of(document)
    return caught.value


@pytest.mark.parametrize(
    "quirk", ["parts", "thinking", "usage_text", "usage_floats", "no_usage", "usage_list"]
)
def test_odd_answers_are_answers(quirk):
    answer = answer_of(twisted(quirk, completion()))
    assert answer.text.endswith("42")
    assert answer.finish_reason == "stop"
    assert answer.usage == (None if quirk in ("no_usage", "usage_list") else Usage(12, 0, 3))


@pytest.mark.parametrize(
    "quirk", ["null_choices", "no_message", "object_content", "failed", "no_resources", "choice_error"]
)
def test_what_is_no_answer_costs_what_the_provider_says(quirk):
    fault = fault_of(failure(twisted(quirk, completion())), KEY)
    assert fault.kind == ("load" if quirk == "no_resources" else "passing")
    assert fault.usage == Usage(12, 0, 3)
    assert fault.cost is None


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("error_429", "load", "Slow down, please.: busy"),
        ("error_list", "load", "The model is overloaded."),
        ("error_name", "load", "Overloaded"),
        ("error_text", "passing", "upstream connect error"),
        ("no_money", "refused", "out of credits"),
    ],
)
def test_an_error_under_status_200_means_what_its_code_means(name, kind, words):
    fault = fault_of(failure(ERRORS[name]), KEY)
    assert (fault.kind, fault.cost) == (kind, 0)
    assert words in fault.why


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("STOP", "stop"),
        ("eos_token", "stop"),
        ("MAX_TOKENS", "length"),
        ("model_length", "length"),
        ("SAFETY", "content_filter"),
        ("sensitive", "content_filter"),
        ("new_word", "new_word"),
        (None, None),
        (7, "7"),
    ],
)
def test_reasons_for_the_end_have_one_name(reason, kept):
    assert answer_of(completion(finish_reason=reason)).finish_reason == kept


@pytest.mark.parametrize(
    "reason", ["error", "ABORT", "cancelled", "network_error", "MALFORMED_FUNCTION_CALL"]
)
def test_a_reply_that_failed_is_no_answer(reason):
    assert reason in str(failure(completion(finish_reason=reason)))


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": "12", "completion_tokens": 3.0}, Usage(12, 0, 3)),
        ({"prompt_tokens": 12, "completion_tokens": 3, "prompt_cache_hit_tokens": "8"}, Usage(12, 8, 3)),
        ({"prompt_tokens": 12, "completion_tokens": 3, "prompt_tokens_details": [8]}, Usage(12, 0, 3)),
        (
            {"prompt_tokens": 12, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 99}},
            Usage(12, 12, 3),
        ),
        ({"prompt_tokens": True, "completion_tokens": 3}, None),
        ({"prompt_tokens": -1, "completion_tokens": 3}, None),
        ({"prompt_tokens": 1e300, "completion_tokens": 3}, None),
        ({"prompt_tokens": float("nan"), "completion_tokens": 3}, None),
        ({"prompt_tokens": "many", "completion_tokens": 3}, None),
        ("12", None),
    ],
)
def test_tokens_are_numbers_or_unknown(usage, tokens):
    assert answer_of(completion() | {"usage": usage}).usage == tokens


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "message", "content", "usage", "error", "code", "finish_reason", "type", "text"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(values, values)
def test_any_document_is_an_answer_or_none(document: object, error: object) -> None:
    faults = [fault_of(status_error(400, error), KEY)]
    for body in (document, completion(message=document), completion() | {"usage": document, "id": error}):
        try:
            assert isinstance(answer_in(json.dumps(body).encode(), {}, 0.1), Completion)
        except NoAnswerError as no_answer:
            faults.append(fault_of(no_answer, KEY))
    assert all(fault.why for fault in faults)


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"[" * 100_000, b"<html><b>Back soon</b></html>", b"data: {}"]
)
def test_a_body_that_is_no_json_is_no_answer(body):
    with pytest.raises(NoAnswerError, match="no JSON") as caught:
        answer_in(body, {}, 0.1)
    assert ("Back soon" in str(caught.value)) == (b"Back" in body)


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (400, [{"error": {"code": 400, "message": "API key expired."}}], "refused", "API key expired"),
        (400, {"message": "Your account is suspended"}, "refused", "suspended"),
        (400, {"detail": "messages[2] is odd"}, "row", "messages[2] is odd"),
        (401, "Unauthorized: ask your admin", "refused", "ask your admin"),
        (429, {"code": "insufficient_quota", "message": "pay"}, "refused", "pay"),
        (429, {"code": 429, "type": "insufficient_quota", "message": "pay"}, "refused", "pay"),
        (500, "<html><title>nginx</title></html>", "passing", "nginx"),
        (502, None, "passing", "502"),
        (400, {"code": "context_length_exceeded", "message": "too long"}, "room", "too long"),
        (400, {"message": "max_tokens is too large: 9. This model supports at most 8"}, "room", "at most 8"),
        (
            422,
            {"message": "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"},
            "room",
            "8192",
        ),
        (400, {"message": "The response_format is not supported"}, "row", "not supported"),
    ],
)
def test_the_providers_words_reach_the_operator(status, body, kind, words):
    fault = fault_of(status_error(status, body), KEY)
    assert fault.kind == kind
    assert words in fault.why


@pytest.mark.parametrize(
    "message",
    [f"Wrong key {KEY}.", "Wrong key sk-pr*****cdef.", "Wrong key: ******cdef", "Wrong key sk-proj...cdef"],
)
def test_no_part_of_the_key_is_in_a_message(message):
    why = fault_of(status_error(401, {"message": message}), KEY).why
    assert "Wrong key" in why
    assert "cdef" not in why
    assert "sk-pr" not in why


def test_words_of_one_cause_are_equal():
    one, two = (
        fault_of(status_error(400, {"message": f"Request req_{n} of 2026-11-{n} failed."}), KEY)
        for n in (11, 12)
    )
    assert one.words == two.words != one.why
