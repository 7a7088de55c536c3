"""Check text that a teacher wrote before it becomes part of a revision.

These checks find faults that a second request can fix: JSON escapes that swallowed a backslash, markup of the
reply itself, endless text, a derivation that cannot be followed. Whether a revision is good enough to train
on is for the row gates.
"""

import re
import unicodedata

from drp.core import Draft, StudentTrace
from drp.derivation import derivation_faults
from drp.teacher.llm.reply_schemas import UnusableReplyError
from drp.traces import leaked_markup

# In JSON, "\neq" with one backslash is a line break and "eq".
_EATEN = re.compile(r"\n(?:eq|abla|otin|leq|geq|exists)\b")
_SPARE = 2_000  # characters that a text may have in addition to twice the student's


def checked(text: str, place: str, trace: StudentTrace) -> str:
    """Check `text` and return it without surrounding white space.

    Args:
        text: what the teacher wrote.
        place: what the text is, for the fault.
        trace: the student's trace; characters and markup that it contains are allowed.

    Raises:
        UnusableReplyError: `malformed`.
    """
    student_text = f"{trace.thinking}\n\n{trace.response}"
    if not text.strip():
        raise UnusableReplyError("malformed", f"{place} is empty")
    if len(text) > 2 * len(student_text) + _SPARE:
        raise UnusableReplyError(
            "malformed", f"{place} has {len(text):,} characters, of the student's {len(student_text):,}"
        )
    controls = (c for c in text if unicodedata.category(c) == "Cc" and c != "\n")
    control = next((c for c in controls if c not in student_text), None)
    if control or (_EATEN.search(text) and not _EATEN.search(student_text)):
        raise UnusableReplyError(
            "malformed",
            f"{place} has the control character {control or chr(10)!r} where a formula was meant: "
            "in JSON a backslash is written twice",
        )
    if markup := leaked_markup(text, student_text):
        raise UnusableReplyError("malformed", f"{place} has markup in it: {markup!r}")
    return text.strip()


_MOST_FAULTS = 3  # faults named in one request


def derivation_fault(draft: Draft) -> str | None:
    """Describe why a draft's revision cannot be followed; None if it can, or if there is none."""
    if draft.revision is None:
        return None
    trace = draft.trace
    faults = derivation_faults(
        trace.question, trace.thinking, draft.revision.thinking, trace.response, draft.revision.response
    )
    if not faults:
        return None
    named = "; ".join(f"{fault.kind}: {fault.detail}" for fault in faults[:_MOST_FAULTS])
    return f"the revision cannot be followed: {named}"
