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

# In JSON, "\neq" with one backslash is a line break and "eq", and "\times" is a tab and "imes".
_ESCAPES = {"n": "\n", "t": "\t", "b": "\b", "f": "\f", "r": "\r"}
_COMMAND = re.compile(r"\\([ntbfr][A-Za-z]{1,30})")  # LaTeX commands whose backslash JSON can eat
_EATEN = re.compile(  # what is left of commands that a student may not have used; no word begins like this
    r"\n(?:eq|abla|otin|ot|eg|exists|leq|geq|onumber|parallel|subseteq|cong|sim|earrow|warrow)(?![A-Za-z])"
)
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
    if (control := _eaten_escape(text, f"{trace.question}\n\n{student_text}")) is not None:
        raise UnusableReplyError(
            "malformed",
            f"{place} has the control character {control!r} where a formula was meant: "
            "in JSON a backslash is written twice",
        )
    if markup := leaked_markup(text, student_text):
        raise UnusableReplyError("malformed", f"{place} has markup in it: {markup!r}")
    return text.strip()


def _eaten_escape(text: str, source: str) -> str | None:
    """Return the control character in `text` that began a LaTeX command; None if there is none.

    Any character that the source lacks is one, except for line breaks. A line break, or a character that the
    source has, is one if the rest of a command of the source follows it, unless that is in the source too.
    """
    controls = (c for c in text if unicodedata.category(c) == "Cc" and c != "\n")
    if (control := next((c for c in controls if c not in source), None)) is not None:
        return control
    if _EATEN.search(text) and not _EATEN.search(source):
        return "\n"
    for command in sorted(set(_COMMAND.findall(source))):
        rest = re.compile(re.escape(_ESCAPES[command[0]] + command[1:]) + r"(?![A-Za-z])")
        if rest.search(text) and not rest.search(source):
            return _ESCAPES[command[0]]
    return None


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
