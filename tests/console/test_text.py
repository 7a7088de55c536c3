"""Text of a model cannot control the terminal that shows it."""

import pytest

from drp.console import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain × − text\nwith lines", "plain × − text\nwith lines"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("c1 \x9b2J \x85", "c1 \\x9b2J \\x85"),
        ("bell\x07 back\x08 null\x00", "bell\\x07 back\\x08 null\\x00"),
        ("over\rwritten\r\nnext", "over\nwritten\nnext"),
        ("a\tb\u00a0c\u2009d\u3000e", "a    b c d e"),
        ("one\u2028two\u2029three", "one\ntwo\nthree"),
        ("\u202eright to left\u202c \u200bno width", "\\u202eright to left\\u202c \\u200bno width"),
        ("\ue000private \U000e0041tag \ud800", "\\ue000private \\U000e0041tag \\ud800"),
    ],
)
def test_what_could_control_a_terminal_is_made_visible(text, shown):
    assert printable(text) == shown


def test_no_character_of_unicode_gets_through_that_is_not_printable():
    shown = printable("".join(map(chr, range(0x110000))))
    assert all(c == "\n" or c.isprintable() for c in shown)
