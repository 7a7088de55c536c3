"""A judgement is complete, or it is refused with what is valid."""

import pytest

from drp.core.errors import BadInputError
from drp.reviews.vocabulary import FAULTS, NOTE_CHARACTERS, VERDICTS, Judgement, judge


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("verdict", ["minor", "moderate", "severe"])
def test_every_fault_goes_with_every_verdict_but_sound(verdict, fault):
    assert judge(verdict, fault, "why") == Judgement(verdict, fault, "why")


@pytest.mark.parametrize("note", [None, "", "  \n"])
def test_a_sound_revision_needs_nothing_else(note):
    assert judge("sound", None, note) == Judgement("sound", None, None)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (("bad", None, None), list(VERDICTS)),
        (("severe", "typo", None), list(FAULTS)),
        (("severe", None, None), list(FAULTS)),
        (("sound", "hollow", None), ["sound", "hollow"]),
        (("minor", "other", None), ["other", "note"]),
        (("minor", "other", "   "), ["other", "note"]),
        (("minor", "hollow", "x" * (NOTE_CHARACTERS + 1)), [f"{NOTE_CHARACTERS:,}"]),
    ],
)
def test_what_is_incomplete_is_refused_with_what_is_valid(given, named):
    with pytest.raises(BadInputError, match="No verdict was stored") as refusal:
        judge(*given)
    for words in named:
        assert words in refusal.value.problem


def test_a_note_is_valid_unicode():
    judge("minor", "hollow", "a\udcffb").note.encode("utf-8")
