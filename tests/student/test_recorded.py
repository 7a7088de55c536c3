"""Recorded traces become rollouts with the ids of imported ones."""

from drp.core.ids import imported_rollout_id, question_id
from drp.core.records import Question
from drp.questions.importers.parsing import RecordedTrace
from drp.student.protocol import SampleRequest
from drp.student.recorded_traces import ReplayEngine


def question(text: str) -> Question:
    return Question(question_id("", text, "2"), "d", "", text, "2", "f.jsonl")


REQUESTED, OTHER = question("1 + 1?"), question("3 - 1?")
TRACES = [
    RecordedTrace(REQUESTED, "model-1", "Ünd so.", "2", "stop"),
    RecordedTrace(OTHER, "model-1", "Else.", "2", "stop"),
    RecordedTrace(REQUESTED, "model-2", "Cut", "", "length"),
]


def test_only_requested_questions_are_replayed() -> None:
    rollouts = list(ReplayEngine(TRACES).sample([SampleRequest(REQUESTED, 0)]))
    assert [(rollout.student, rollout.finish_reason) for rollout in rollouts] == [
        ("model-1", "stop"),
        ("model-2", "length"),
    ]
    assert {rollout.question_id for rollout in rollouts} == {REQUESTED.question_id}
    assert list(ReplayEngine(TRACES).sample([])) == []


def test_the_fields_of_a_recorded_rollout() -> None:
    rollout = next(ReplayEngine(TRACES).sample([SampleRequest(REQUESTED, 0)]))
    assert rollout.rollout_id == imported_rollout_id(REQUESTED.question_id, "model-1", "Ünd so.", "2")
    assert (rollout.engine, rollout.prompt_version, rollout.seed) == ("replay", None, None)
    assert (rollout.think_tokens, rollout.total_tokens, rollout.token_counter) == (7, 8, "characters")
