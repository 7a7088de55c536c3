"""Replay recorded traces: responses generated elsewhere become rollouts like those sampled here.

for rollout in ReplayEngine(traces).sample(samples): ...
"""

from collections.abc import Iterable, Iterator

from drp.core import CHARACTERS, Rollout
from drp.questions.importers import RecordedTrace
from drp.student.protocol import SampleRequest

ENGINE = "replay"


def recorded_rollout(trace: RecordedTrace) -> Rollout:
    """Return the rollout of a recorded trace; lengths are in characters, as its tokenizer is not available.

    `sample_index` is always 0, because the order of a file's rows does not show how they were sampled.
    """
    return Rollout(
        rollout_id=trace.rollout_id,
        question_id=trace.question.question_id,
        student=trace.student,
        engine=ENGINE,
        prompt_version=None,
        sample_index=0,
        seed=None,
        thinking=trace.thinking,
        response=trace.response,
        finish_reason=trace.finish_reason,
        think_tokens=len(trace.thinking),
        total_tokens=len(trace.thinking) + len(trace.response),
        token_counter=CHARACTERS,
    )


class ReplayEngine:
    """Returns the recorded rollouts of the requested questions, in the order of the traces."""

    name = ENGINE

    def __init__(self, traces: Iterable[RecordedTrace]) -> None:
        """`traces` is iterated once per call of `sample`, so an iterator allows a single call."""
        self._traces = traces

    def sample(self, samples: Iterable[SampleRequest]) -> Iterator[Rollout]:
        """Yield all recorded rollouts of the questions. The sample index k is ignored: traces have none."""
        ids = {sample.question.question_id for sample in samples}
        for trace in self._traces:
            if trace.question.question_id in ids:
                yield recorded_rollout(trace)
