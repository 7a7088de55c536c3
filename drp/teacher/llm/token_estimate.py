"""Tokens of a text without a tokenizer, for budgets and limits before anything is sent.

The rule: a run of up to seven letters is one token and a longer one a token for every four; digits go by
threes, and so do signs in a row; line breaks in a row are one; characters of scripts without spaces are one
each. It is a model of a byte-pair vocabulary, calibrated on what tests/fake_provider bills. The true bill is
counted by the provider: `drp ledger show` has both.
"""

import re

_PIECES = re.compile(  # one alternative for each sentence of the rule
    r"(?P<wide>[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff])|(?P<word>[^\W\d_\u2e80-\uffff]+)"
    r"|\d{1,3}|\s{0,64}[\r\n]+|[ \t]{2,}|(?:[^\w\s]|_){1,3}|[^\W\d_]"
)
_SHORT_WORD = 7
_PER_TOKEN = 4


def estimated_tokens(text: str) -> int:
    """Tokens that `text` will be billed as, roughly."""
    tokens = 0
    for piece in _PIECES.finditer(text):
        letters = len(piece["word"] or "")
        tokens += 1 if letters <= _SHORT_WORD else -(-letters // _PER_TOKEN)
    return tokens
