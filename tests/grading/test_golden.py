"""The grader passes the golden set, and a grader with wrong verdicts is rejected."""

from collections import Counter

import pytest

from drp.core.errors import TerminalError, TransientError
from drp.grading import Grader, GraderSelfTestError, GraderTimeoutError, golden, self_test
from drp.grading.golden import GoldenPair, golden_pairs


def test_the_golden_set_is_broad():
    kinds = Counter(pair.verdict for pair in golden_pairs())
    assert sum(kinds.values()) >= 60
    assert min(kinds["equal"], kinds["different"]) >= 20
    assert kinds["undecided"] >= 3
    assert len({(pair.gold, pair.prediction) for pair in golden_pairs()}) == sum(kinds.values())


def test_the_grader_passes():
    with Grader(limit_s=20.0) as grader:
        self_test(grader)


def test_a_grader_with_wrong_verdicts_is_rejected():
    class Generous(Grader):
        def verdicts(self, pairs):
            return ("equal" for _ in pairs)

    with (
        Generous() as grader,
        pytest.raises(GraderSelfTestError, match="'42' and '43' are different, graded equal") as caught,
    ):
        self_test(grader)
    assert isinstance(caught.value, TerminalError)


def test_a_machine_that_is_too_busy_is_not_a_wrong_grader(monkeypatch):
    monkeypatch.setattr(golden, "golden_pairs", lambda: [GoldenPair("x+1", "1+x", "equal")])
    with Grader(limit_s=0.0005) as grader, pytest.raises(GraderTimeoutError, match="time limit") as caught:
        self_test(grader)
    assert isinstance(caught.value, TransientError)
    assert "not at fault" in str(caught.value)
