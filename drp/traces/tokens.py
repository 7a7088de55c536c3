"""Count the tokens of a text as the student's rollout engine does, without running the engine.

    TokenCounter(folder).of("I add.", "It is 4.", rollout.token_counter)

Only the tokenizer's file is read. This makes the lengths of rollouts, which an engine counted by token ids,
comparable with the lengths of their revisions.
"""

from pathlib import Path
from typing import NamedTuple

from tokenizers import Tokenizer

from drp.config import THINK, ThinkingMarks
from drp.core import CHARACTERS, content_id


class TokenCount(NamedTuple):
    """Length of a response in units of `counter`: of the thinking with its end mark, and in total."""

    counter: str
    thinking: int
    total: int


class TokenCounter:
    """Measures a text in the unit of the rollout it came from, so that the two lengths are comparable."""

    def __init__(self, folder: Path | None, thinking: ThinkingMarks = THINK) -> None:
        """Use the tokenizer in the student's `folder`, and its marks of `thinking`.

        Count characters if there is no tokenizer.
        """
        self._marks = thinking
        file = folder / "tokenizer.json" if folder else None
        self._tokenizer = Tokenizer.from_file(str(file)) if file and file.is_file() else None
        self.name = CHARACTERS
        """The unit, as in the column `token_counter`."""
        if self._tokenizer:
            vocabulary = sorted(self._tokenizer.get_vocab().items())
            self.name = f"tokenizer {content_id('tokenizer', vocabulary)[:12]}"

    def of(self, thinking: str, response: str, counter: str) -> TokenCount:
        """Return the length of a response in units of `counter`, or in characters if that is not `name`."""
        if self._tokenizer is None or counter != self.name:
            return TokenCount(CHARACTERS, len(thinking), len(thinking) + len(response))
        text = self._marks.response_text(thinking, response)
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        end = len(thinking) + len(self._marks.closing.rstrip())
        return TokenCount(self.name, sum(start < end for start, _ in encoded.offsets), len(encoded.ids))
