"""What a check of a derivation reports."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

DerivationFaultKind: TypeAlias = Literal[
    "missing_link", "dangling_reference", "contradiction", "withdrawn_step", "hollow"
]


@dataclass(frozen=True)
class DerivationFault:
    """A place where a revision is no derivation that a reader can follow."""

    kind: DerivationFaultKind
    start: int
    """Span of the sentence in the revision, in Unicode code points."""
    end: int
    detail: str
    """The sentence and what is wrong with it, for a person or a teacher."""
    subject: str = ""
    """The value, symbol, label or reference that the fault is about, as it is written."""
    source: tuple[int, int] | None = None
    """Span in the original of the sentence that gives, takes back or contradicts `subject`; None if no single
    sentence does. Put back before `start`, it repairs a `missing_link` or a `dangling_reference`."""


def quoted(sentence: str, limit: int = 90) -> str:
    """Return a sentence in quotation marks, on one line and at most `limit` characters long."""
    line = " ".join(sentence.split())
    return f"“{line if len(line) <= limit else line[: limit - 1] + '…'}”"
