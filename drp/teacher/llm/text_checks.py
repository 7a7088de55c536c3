"""Text that a teacher wrote, before it may stand in a revision.

What is checked here can be mended by asking again: JSON escapes that ate a backslash, markup of the reply
itself, a text without end. Whether a revision is good enough to train on is for the row gates.
"""

import re
import unicodedata

from drp.core import StudentTrace
from drp.teacher.llm.reply_schemas import UnusableReplyError
from drp.traces import leaked_markup

_EATEN = re.compile(
    r"\n(?:eq|abla|otin|leq|geq|exists)\b"
)  # "\neq" with one backslash is a line break and "eq"
_SPARE = 2_000  # characters that a text may have beyond twice the student's


def checked(text: str, place: str, trace: StudentTrace) -> str:
    """`text` without white space around it.

    Args:
        text: what the teacher wrote.
        place: what it is, for the fault.
        trace: where it belongs; what the student writes itself is no fault.

    Raises:
        UnusableReplyError: `malformed`.
    """
    own = f"{trace.thinking}\n\n{trace.response}"
    if not text.strip():
        raise UnusableReplyError("malformed", f"{place} is empty")
    if len(text) > 2 * len(own) + _SPARE:
        raise UnusableReplyError(
            "malformed", f"{place} has {len(text):,} characters, of the student's {len(own):,}"
        )
    control = next((c for c in text if unicodedata.category(c) == "Cc" and c != "\n" and c not in own), None)
    if control or (_EATEN.search(text) and not _EATEN.search(own)):
        raise UnusableReplyError(
            "malformed",
            f"{place} has the control character {control or chr(10)!r} where a formula was meant: "
            "in JSON a backslash is written twice",
        )
    if markup := leaked_markup(text, own):
        raise UnusableReplyError("malformed", f"{place} has markup in it: {markup!r}")
    return text.strip()
