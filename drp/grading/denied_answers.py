"""See where a writer says that an expression is not the answer: `is_denied(text, start, end)`."""

import re

_NEAR = 80
"""Most characters before an expression, in the same sentence, in which it is denied."""
_WRONG = (
    r"(?:wrong|incorrect|false|impossible|not (?:right|correct|it\b|true|possible|what"
    r"|(?:the (?:right |correct )?(?:final )?)(?:answer|result|solution)))"
)
_IS_WRONG = (
    rf"(?:(?:is|was|are|seems|looks|must be)(?: certainly| clearly| definitely| simply)? {_WRONG}|'s {_WRONG}"
    r"|(?:isn['’]t|can['’]t be|cannot be) "
    r"(?:right|correct|true|it\b|possible|the (?:answer|result|solution)))"
)
# It can't be 14; I don't think that it is 14.
_BEFORE = re.compile(
    r"(?:\bnot|n['’]t|\bnever|\bcannot|不是|不可能是|不等于)\s?(?:(?:think|believe)\b[^.!?\n]{0,30}?"
    r"|(?:be|equal|to|exactly|really|simply|the|a|an|value|number|answer|is|as|=)\b[\s:]{0,3}){0,5}"
    r"[\s$*\\(\[]{0,6}(?:\\f?(?:boxed|box)\{)?$",
    re.IGNORECASE,
)
# 14 is wrong. Or: 14. Wait, that can't be right.
_AFTER = re.compile(
    rf"[\s$*\\)\]}}]{{0,8}}(?:{_IS_WRONG}|(?:不对|是错的|不正确)"
    r"|[.!?,]?[\s$*\\)\]]{0,6}(?:(?:but|no|wait|hmm|oh|well|hold on)\b[\s,.]{0,3}){0,3}(?:that|this|it)\s?"
    rf"{_IS_WRONG})",
    re.IGNORECASE,
)


def is_denied(text: str, start: int, end: int) -> bool:
    """Return whether the text says of its expression `text[start:end]` that it is not so."""
    first = max(0, start - _NEAR)
    sentence = max(text.rfind(mark, first, start) for mark in ".!?\n") + 1
    return bool(_BEFORE.search(text[max(sentence, first) : start]) or _AFTER.match(text, end))
