"""Backslashes that JSON ate are found by what the student wrote."""

import json

import pytest

from drp.teacher.llm.reply_schemas import UnusableReplyError
from drp.teacher.llm.text_checks import checked
from tests.teacher.llm.replies import trace_of

COMMANDS = [
    *["neq", "ne", "nu", "nabla", "not", "notin", "nleq", "nmid", "newline", "times", "theta", "tau", "tan"],
    *["text", "tfrac", "to", "top", "triangle", "beta", "bar", "binom", "big", "boldsymbol", "bmod", "boxed"],
    *["frac", "forall", "flat", "rho", "right", "rightarrow", "rangle", "rm"],
]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("command", COMMANDS)
def test_any_command_of_the_source_is_missed_where_its_backslash_was_eaten(
    command: str, line_end: str
) -> None:
    thinking = f"Let \\(a \\{command} b\\).{line_end}\tSo it is 5."
    trace = trace_of(thinking)
    written = json.dumps(f"It is \\(a \\{command} b\\).")
    assert checked(json.loads(written), "the text", trace) == f"It is \\(a \\{command} b\\)."
    eaten = json.loads(written.replace(f"\\\\{command}", f"\\{command}"))
    with pytest.raises(UnusableReplyError, match="the text has the control character"):
        checked(eaten, "the text", trace)


@pytest.mark.parametrize(
    "command", ["neq", "nabla", "notin", "not", "neg", "nexists", "ncong", "times", "frac"]
)
def test_commands_that_the_source_lacks_are_missed_too(command: str) -> None:
    eaten = json.loads(json.dumps(f"a \\{command} b").replace("\\\\", "\\"))
    with pytest.raises(UnusableReplyError, match="the text has the control character"):
        checked(eaten, "the text", trace_of("So a is not b.\nIt is 5."))


@pytest.mark.parametrize(
    "text", ["So\nu = 5 and\nnot 6.", "a\n\nequals b", "x\nnu", "one\nNote this", "a\ne\nb", "So\nmid-way"]
)
def test_line_breaks_before_words_are_no_fault(text: str) -> None:
    assert checked(text, "the text", trace_of("So u is 5. It is \\(\\times\\) 5.")) == text


def test_what_the_student_wrote_without_a_backslash_is_no_fault() -> None:
    trace = trace_of("Take \\(\\nu\\).\nu = 5, so\n\nu is 5.")
    assert checked("So\nu = 5.", "the text", trace) == "So\nu = 5."
