"""Counts the tokens of a text as the student's own engine does, without the engine.

    Lengths(folder).of("I add.", "It is 4.", rollout.token_counter)

Only the tokenizer's file is read. Rollouts that an engine counted by its token ids, and revisions of them,
can then be compared.
"""

from pathlib import Path
from typing import NamedTuple

from tokenizers import Tokenizer

from drp.core import CHARACTERS, content_id

THINK, THOUGHT = "<think>", "</think>"
"""The marks around the thinking."""


def response_text(thinking: str, response: str) -> str:
    """What a student writes after a prompt that opened `<think>`: thinking, end mark, answer summary."""
    return f"{thinking}\n{THOUGHT}\n\n{response}"


class TokenCount(NamedTuple):
    """Of a response, in units of `counter`: the thinking with its end mark, and all of it."""

    counter: str
    thinking: int
    total: int


class TokenCounter:
    """Measures texts in the units of the rollouts that they came from, so that like is compared with like."""

    def __init__(self, folder: Path | None) -> None:
        """`folder` is the student's; where it has no tokenizer, characters are counted."""
        file = folder / "tokenizer.json" if folder else None
        self._tokenizer = Tokenizer.from_file(str(file)) if file and file.is_file() else None
        self.name = CHARACTERS
        """Who counts, for the column `token_counter`."""
        if self._tokenizer:
            vocabulary = sorted(self._tokenizer.get_vocab().items())
            self.name = f"tokenizer {content_id('tokenizer', vocabulary)[:12]}"

    def of(self, thinking: str, response: str, counter: str) -> TokenCount:
        """The length of a response to compare with one that `counter` counted; else in characters."""
        if self._tokenizer is None or counter != self.name:
            return TokenCount(CHARACTERS, len(thinking), len(thinking) + len(response))
        encoded = self._tokenizer.encode(response_text(thinking, response), add_special_tokens=False)
        end = len(thinking) + len(f"\n{THOUGHT}")
        return TokenCount(self.name, sum(start < end for start, _ in encoded.offsets), len(encoded.ids))
