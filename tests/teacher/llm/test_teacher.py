"""An LLM as the teacher, with a scripted driver: unusable answers and the second try."""

import json
from collections.abc import Iterable, Iterator
from datetime import date

import pytest

from drp.config.teacher_profiles import Prices, TeacherProfile
from drp.core.records import Draft, Refusal
from drp.gates.row_gates import cover_fault
from drp.ledger.completions import CARRIED, Completion, TeacherReply, TeacherRequest, Usage
from drp.teacher.llm.request_builder import RequestBuilder
from drp.teacher.llm.teacher import LlmTeacher
from tests.fake_provider.reply_text import think
from tests.teacher.test_heuristic_teacher import TRACE

PROFILE = TeacherProfile(
    backend="online",
    base_url="http://127.0.0.1:8000/v1",
    model="m",
    prices=Prices(input=1, output=1, read_on=date(2026, 11, 1)),
    supports=frozenset({"json_schema"}),
)
USAGE = Usage(10, 0, 10)
DRAFTS = (Draft(TRACE),)


def completion(text: str | None, finish_reason: str = "stop", refusal: str | None = None) -> Completion:
    return Completion("chatcmpl-1", text, refusal, finish_reason, USAGE, 0.1)


class Scripted:
    """Answers from the script, then as the fake provider does; keeps the requests."""

    def __init__(self, *script: Completion | str) -> None:
        self.script, self.requests = list(script), []

    def replies(self, requests: Iterable[TeacherRequest]) -> Iterator[TeacherReply]:
        for request in requests:
            self.requests.append(request)
            answer = self.script.pop(0) if self.script else completion(think(request.body))
            yield (
                TeacherReply(request, None, answer)
                if isinstance(answer, str)
                else TeacherReply(request, answer)
            )


def teacher(driver: Scripted, mode: str = "fused") -> LlmTeacher:
    return LlmTeacher(RequestBuilder(PROFILE, mode, "skill"), driver)


def taught(driver: Scripted, mode: str = "fused", drafts: Iterable[Draft] = DRAFTS) -> list[Draft]:
    llm = teacher(driver, mode)
    return list(llm.revise(llm.decompose(drafts, "skill")))


@pytest.mark.parametrize(
    ("mode", "count"), [("fused", 1), ("fused-synthesis", 1), ("indexed", 2), ("verbatim", 2)]
)
def test_steps_decisions_and_revision_come_from_the_replies(mode, count):
    driver = Scripted()
    [draft] = taught(driver, mode)
    assert draft.refusal is None
    assert cover_fault(draft.steps, TRACE.thinking) is None
    assert len(draft.decisions) == len(draft.steps) > 3
    assert "24" in draft.revision.thinking
    assert len(draft.revision.thinking) < len(TRACE.thinking)
    assert len({request.request_id for request in driver.requests}) == count


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (completion('{"steps": [', "length"), "truncated"),
        (completion(None, "stop", "I cannot help with that."), "unanswered"),
        (completion(None, "content_filter"), "unanswered"),
        (completion(""), "unanswered"),
        (completion(None), "unanswered"),
        (completion("Sure! Here are the steps."), "malformed"),
        (completion('{"answer": 42}'), "malformed"),
        (completion(json.dumps({"needs": "", "skills": [], "runs": [], "response": "24"})), "uncovered"),
    ],
)
def test_an_unusable_answer_leads_to_one_different_request(answer, reason):
    driver = Scripted(answer)
    [draft] = teacher(driver).decompose([Draft(TRACE)], "skill")
    assert draft.refusal is None
    assert draft.steps
    assert len({request.request_id for request in driver.requests}) == len(driver.requests) == 2

    driver = Scripted(answer, answer)
    [refused] = teacher(driver).decompose([Draft(TRACE)], "skill")
    assert refused.refusal.reason == reason
    assert len(driver.requests) == 2


def test_after_a_cut_there_is_more_room_and_after_a_fault_it_is_named():
    driver = Scripted(completion("{", "length"))
    list(teacher(driver).decompose([Draft(TRACE)], "skill"))
    first, second = (request.body["max_completion_tokens"] for request in driver.requests)
    assert second > 2 * first

    driver = Scripted(completion('{"answer": 42}'))
    list(teacher(driver).decompose([Draft(TRACE)], "skill"))
    assert "could not be used" in driver.requests[1].body["messages"][-1]["content"]


def test_a_request_without_room_is_sent_once_more_with_the_tokens_that_fit():
    words = "no room: 400 context_length_exceeded maximum context length is 5000 tokens (4000 in the messages"
    driver = Scripted(f"dead: {words})")
    [draft] = teacher(driver).decompose([Draft(TRACE)], "skill")
    assert draft.refusal is None
    first, second = driver.requests
    assert second.body["max_completion_tokens"] == 1000 < first.body["max_completion_tokens"]
    assert second.body["messages"] == first.body["messages"]

    driver = Scripted(f"dead: {words})", f"dead: {words})")
    [refused] = teacher(driver).decompose([Draft(TRACE)], "skill")
    assert refused.refusal.reason == "unanswered"
    assert "maximum context length is 5000 tokens" in refused.refusal.detail
    assert "limits.context" in refused.refusal.detail


@pytest.mark.parametrize(
    "thinking",
    [
        "<think>\nMaybe {{}}.\n</think>\n\n{reply}",
        'Hm, {{"needs": 1}}.\n</think>{reply}',
        "[THINK]So.[/THINK]\n```json\n{reply}\n```",
        "<|channel|>analysis<|message|>So.<|end|><|start|>assistant<|channel|>final<|message|>{reply}<|return|>",
    ],
)
def test_thinking_before_the_json_is_read_over(thinking):
    asked = Scripted()
    [plain] = teacher(asked).decompose([Draft(TRACE)], "skill")
    reply = think(asked.requests[0].body)
    driver = Scripted(completion(thinking.format(reply=reply)))
    [draft] = teacher(driver).decompose([Draft(TRACE)], "skill")
    assert draft == plain
    assert len(driver.requests) == 1


def test_no_answer_at_all_is_refused_and_a_carried_one_is_another_nights():
    [dead] = teacher(Scripted("dead: 400 too long")).decompose([Draft(TRACE)], "skill")
    assert dead.refusal == Refusal("unanswered", "dead: 400 too long")
    [carried] = teacher(Scripted(CARRIED)).decompose([Draft(TRACE)], "skill")
    assert carried.is_carried
    assert carried.refusal is None


def test_what_was_refused_before_passes_untouched_and_costs_nothing():
    driver = Scripted()
    before = Draft(TRACE, refusal=Refusal("malformed", "made"))
    assert taught(driver, drafts=[before, before]) == [before, before]
    assert driver.requests == []


def test_two_rollouts_with_the_same_trace_each_have_their_draft():
    drafts = [Draft(TRACE), Draft(TRACE)]
    assert len(taught(Scripted(), drafts=drafts)) == 2


def test_gold_is_in_no_request():
    driver = Scripted()
    taught(driver, "verbatim")
    assert all("gold" not in json.dumps(request.body) for request in driver.requests)
