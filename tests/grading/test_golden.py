"""The grader passes the golden set, and a grader with wrong verdicts is rejected."""

from collections import Counter

import pytest

from drp.core.errors import TerminalError
from drp.grading import Grader, GraderSelfTestError, self_test
from drp.grading.golden import golden_pairs


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


def test_a_grader_that_was_only_slow_at_first_passes():
    class Cold(Grader):
        calls = 0

        def verdicts(self, pairs):
            self.calls += 1
            return super().verdicts(pairs) if self.calls > 1 else ("undecided" for _ in pairs)

    with Cold(limit_s=20.0) as grader:
        self_test(grader)
        assert grader.calls == 2
