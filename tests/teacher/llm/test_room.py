"""How many tokens fit, by the words of providers."""

import pytest

from drp.teacher.llm.context_room import tokens_with_room


@pytest.mark.parametrize(
    ("words", "tokens"),
    [
        (
            "This model's maximum context length is 8,192 tokens. However, you requested 9000 tokens (5000 "
            "in the messages, 4000 in the completion).",
            3192,
        ),
        (
            "'max_tokens' is too large: 4000. This model's maximum context length is 8192 tokens and your "
            "request has 5000 input tokens (4000 > 8192 - 5000).",
            3192,
        ),
        ("input length and `max_tokens` exceed context limit: 198000 + 4000 > 200000", 2000),
        ("max_tokens is too large: 4000. This model supports at most 2048 completion tokens", 2048),
        ("Invalid max_tokens value, the valid range of max_tokens is [1, 2048]", 2048),
        ("context length is 4096 tokens; the prompt has 5000 tokens", 2000),
        ("too many tokens", 2000),
    ],
)
def test_the_tokens_that_fit(words, tokens):
    assert tokens_with_room(words, 4000) == tokens


def test_there_is_always_something_to_ask_for():
    assert tokens_with_room("no", 1) == 1
