"""The golden set: pairs with known verdicts that the grader must get right before it is used.

`self_test(grader)` grades it, which takes well under a second once the workers are warm.
"""

import json
from dataclasses import dataclass
from importlib.resources import files

from drp.core import TerminalError, TransientError, Verdict
from drp.grading.pool import Grader

_MAX_SHOWN = 5


class GraderSelfTestError(TerminalError):
    """The grader gives wrong verdicts on the golden set, so none of its verdicts may be used."""


class GraderTimeoutError(TransientError):
    """The grader's self-test ended at its time limits: this machine gives it too little processor time."""


@dataclass(frozen=True)
class GoldenPair:
    """A gold answer, a prediction and the expected verdict."""

    gold: str
    prediction: str
    verdict: Verdict


def golden_pairs() -> list[GoldenPair]:
    """Return the bundled golden set, in order."""
    text = files("drp.grading").joinpath("golden.json").read_text(encoding="utf-8")
    return [GoldenPair(*row) for row in json.loads(text)]


def self_test(grader: Grader) -> None:
    """Grade the golden set and check every verdict.

    Raises:
        GraderSelfTestError: some verdicts are wrong; the message names the first of these pairs.
        GraderTimeoutError: no verdict is wrong, but some checks ended at their limit.
    """
    pairs = golden_pairs()
    given_up = grader.given_up
    wrong = _wrong(grader, pairs)
    timeouts = grader.given_up - given_up
    if wrong and len(wrong) == timeouts and all(verdict == "undecided" for _, verdict in wrong):
        raise GraderTimeoutError(
            f"{timeouts} of {len(pairs)} checks of the grader's self-test ended twice at their time limit",
            state="Nothing was graded. The machine is overloaded; DRP and its packages are not at fault",
            next_command="run the same command again when the machine is less busy (uptime shows its load)",
        )
    if wrong:
        shown = "; ".join(
            f"{pair.gold!r} and {pair.prediction!r} are {pair.verdict}, graded {verdict}"
            for pair, verdict in wrong[:_MAX_SHOWN]
        )
        raise GraderSelfTestError(
            f"the grader failed {len(wrong)} of {len(pairs)} golden pairs: {shown}",
            state="Nothing was graded",
            next_command="make setup  (restores the locked versions of math-verify and SymPy)",
        )


def _wrong(grader: Grader, pairs: list[GoldenPair]) -> list[tuple[GoldenPair, Verdict]]:
    verdicts = grader.verdicts((pair.gold, pair.prediction) for pair in pairs)
    return [(pair, verdict) for pair, verdict in zip(pairs, verdicts, strict=True) if pair.verdict != verdict]
