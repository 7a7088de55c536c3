"""The verdicts and fault kinds of a review, with their meanings, and the rules that join them."""

from dataclasses import dataclass
from typing import get_args

from drp.core import BadInputError, ReviewFault, ReviewVerdict

VERDICTS: dict[ReviewVerdict, str] = {
    "sound": "The revision reasons from the question to the answer, and nothing is missing or wrong.",
    "minor": "A blemish that a reader passes over without losing the thread.",
    "moderate": "A reader has to guess or to look at the original to follow it.",
    "severe": "It teaches wrong reasoning: it should not have been accepted.",
}
"""Every verdict and its meaning, from harmless to grave."""

FAULTS: dict[ReviewFault, str] = {
    "missing_link": "A step uses a value or a claim whose derivation was removed.",
    "dangling_reference": "The text refers to something that is no longer there.",
    "contradiction": "Two statements that cannot both be true are left.",
    "withdrawn_step": "A step that the student took back is left, or only its correction was removed.",
    "leftover_check": "A check or a doubt that adds nothing is left.",
    "hollow": "The answer is stated with too little reasoning to follow it.",
    "wrong_label": "The skill or the action of a step is wrong.",
    "unnatural_text": "The text is not fluent, or not in the student's voice.",
    "other": "Another fault, which the note describes.",
}
"""Every kind of fault and its meaning in one sentence."""

NOTE_CHARACTERS = 2_000
"""The maximum length of a note."""

assert tuple(VERDICTS) == get_args(ReviewVerdict)  # noqa: S101 - the lists must agree
assert tuple(FAULTS) == get_args(ReviewFault)  # noqa: S101


@dataclass(frozen=True)
class Judgement:
    """A verdict with the kind of the main fault (None when sound) and a note."""

    verdict: ReviewVerdict
    fault: ReviewFault | None
    note: str | None

    @property
    def text(self) -> str:
        """The judgement in words, for a terminal."""
        return self.verdict if self.fault is None else f"{self.verdict}, {self.fault}"


def judge(verdict: str, fault: str | None = None, note: str | None = None) -> Judgement:
    """Check a verdict with its fault and note.

    Raises:
        BadInputError: the verdict or fault is unknown, a fault is missing, a sound revision has one, the
            fault `other` has no note, or the note is too long.
    """
    words = _clean(note)
    known_verdict = next((name for name in VERDICTS if name == verdict), None)
    known_fault = next((name for name in FAULTS if name == fault), None)
    if known_verdict is None:
        raise _refused(f"{verdict!r} is not a verdict: use one of {', '.join(VERDICTS)}")
    if fault is not None and known_fault is None:
        raise _refused(f"{fault!r} is not a kind of fault: use one of {', '.join(FAULTS)}")
    if known_verdict == "sound" and known_fault is not None:
        raise _refused(f"a sound revision has no fault, but {known_fault} was given")
    if known_verdict != "sound" and known_fault is None:
        raise _refused(f"the verdict {known_verdict} needs a fault: one of {', '.join(FAULTS)}")
    if known_fault == "other" and words is None:
        raise _refused("the fault other needs a note that describes it")
    if words is not None and len(words) > NOTE_CHARACTERS:
        raise _refused(f"the note has {len(words):,} characters, but at most {NOTE_CHARACTERS:,} are stored")
    return Judgement(known_verdict, known_fault, words)


def _clean(note: str | None) -> str | None:
    """Return the note without surrounding space, in valid Unicode; None if nothing is left."""
    return (note or "").encode("utf-8", "replace").decode().strip() or None


def _refused(problem: str) -> BadInputError:
    return BadInputError(
        problem,
        state="No verdict was stored",
        next_command="drp review record REVISION_ID --verdict VERDICT [--fault FAULT] [--note TEXT]",
    )
