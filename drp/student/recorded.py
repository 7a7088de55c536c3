"""Recorded traces as a rollout engine: what was generated elsewhere lands like what is sampled here.

engine = ReplayEngine(traces)
for rollout in engine.sample(wanted): ...
"""

from collections.abc import Iterable, Iterator

from drp.core import CHARACTERS, Rollout
from drp.questions.importers import RecordedTrace
from drp.student.protocol import SampleRequest

ENGINE = "replay"


def recorded_rollout(trace: RecordedTrace) -> Rollout:
    """The rollout of a recorded trace; lengths in characters, for its tokenizer is not at hand.

    `sample_index` is 0 for all: the order of the rows of a file says nothing about how they were sampled.
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
    """Gives the recorded traces of the questions it is asked, in the order in which they were recorded."""

    name = ENGINE

    def __init__(self, traces: Iterable[RecordedTrace]) -> None:
        """`traces` is read once per `sample`: one pass of an import serves one call."""
        self._traces = traces

    def sample(self, wanted: Iterable[SampleRequest]) -> Iterator[Rollout]:
        """All recorded rollouts of the questions, whatever sample is asked for: none has an index."""
        ids = {sample.question.question_id for sample in wanted}
        for trace in self._traces:
            if trace.question.question_id in ids:
                yield recorded_rollout(trace)
