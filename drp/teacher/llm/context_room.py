"""Read from a provider's words how many tokens a reply may have, after it had no room for more."""

import re

_NUMBER = r"(\d[\d,]{0,12})"
_CONTEXT = re.compile(
    rf"(?:context (?:length|window|limit)|max_model_len|maximum length)\D{{0,40}}{_NUMBER}", re.I
)
_PROMPT = re.compile(
    rf"{_NUMBER} (?:tokens )?(?:in (?:the|your) (?:messages|prompt|input)|(?:input|prompt) tokens)"
    rf"|(?:input|prompt|messages)(?: length)?(?: is| has| contains| resulted in| of)? {_NUMBER} tokens",
    re.I,
)
_SUM = re.compile(rf"{_NUMBER} \+ {_NUMBER} > {_NUMBER}")  # prompt, reply, context
_MOST = re.compile(
    rf"(?:at most|up to|less than or equal to|<=|range\D{{0,40}}\[1,|1 \(inclusive\) to) ?{_NUMBER}", re.I
)


def tokens_with_room(words: str, asked: int) -> int:
    """Return the tokens to ask for instead of `asked`; half of it if the words do not say how many fit."""
    fitting = []
    if found := _SUM.search(words):
        fitting.append(_number(found[3]) - _number(found[1]))
    context, prompt = _CONTEXT.search(words), _PROMPT.search(words)
    if context and prompt:
        fitting.append(_number(context[1]) - _number(prompt[1] or prompt[2]))
    if found := _MOST.search(words):
        fitting.append(_number(found[1]))
    return max((tokens for tokens in fitting if 0 < tokens < asked), default=max(1, asked // 2))


def _number(digits: str) -> int:
    return int(digits.replace(",", ""))
