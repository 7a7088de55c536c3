"""An LLM as a teacher, with a driver that says what a test wants: what no answer is, and the second try."""

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
from tests.fake_provider.mind import think
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


def said(text: str | None, finish_reason: str = "stop", refusal: str | None = None) -> Completion:
    return Completion("chatcmpl-1", text, refusal, finish_reason, USAGE, 0.1)


class Scripted:
    """Says what the script has, then thinks; keeps the requests."""

    def __init__(self, *script: Completion | str) -> None:
        self.script, self.asked = list(script), []

    def replies(self, requests: Iterable[TeacherRequest]) -> Iterator[TeacherReply]:
        for request in requests:
            self.asked.append(request)
            answer = self.script.pop(0) if self.script else said(think(request.body))
            yield (
                TeacherReply(request, None, answer)
                if isinstance(answer, str)
                else TeacherReply(request, answer)
            )


def teacher(driver: Scripted, asking: str = "fused") -> LlmTeacher:
    return LlmTeacher(RequestBuilder(PROFILE, asking, "skill"), driver)


def taught(driver: Scripted, asking: str = "fused", drafts: Iterable[Draft] = DRAFTS) -> list[Draft]:
    llm = teacher(driver, asking)
    return list(llm.revise(llm.decompose(drafts, "skill")))


@pytest.mark.parametrize(("asking", "requests"), [("fused", 1), ("indexed", 2), ("verbatim", 2)])
def test_steps_decisions_and_revision_come_from_the_replies(asking, requests):
    driver = Scripted()
    [draft] = taught(driver, asking)
    assert draft.refusal is None
    assert cover_fault(draft.steps, TRACE.thinking) is None
    assert len(draft.decisions) == len(draft.steps) > 3
    assert "24" in draft.revision.thinking
    assert len(draft.revision.thinking) < len(TRACE.thinking)
    assert len({request.request_id for request in driver.asked}) == requests


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (said('{"steps": [', "length"), "truncated"),
        (said(None, "stop", "I cannot help with that."), "unanswered"),
        (said(None, "content_filter"), "unanswered"),
        (said(""), "unanswered"),
        (said(None), "unanswered"),
        (said("Sure! Here are the steps."), "malformed"),
        (said('{"answer": 42}'), "malformed"),
        (said(json.dumps({"steps": [], "response": "24"})), "uncovered"),
    ],
)
def test_what_is_no_answer_is_asked_once_more_and_differently(answer, reason):
    driver = Scripted(answer)
    [mended] = teacher(driver).decompose([Draft(TRACE)], "skill")
    assert mended.refusal is None
    assert mended.steps
    assert len({request.request_id for request in driver.asked}) == len(driver.asked) == 2

    driver = Scripted(answer, answer)
    [refused] = teacher(driver).decompose([Draft(TRACE)], "skill")
    assert refused.refusal.reason == reason
    assert len(driver.asked) == 2


def test_after_a_cut_there_is_more_room_and_after_a_fault_it_is_named():
    driver = Scripted(said("{", "length"))
    list(teacher(driver).decompose([Draft(TRACE)], "skill"))
    first, second = (request.body["max_completion_tokens"] for request in driver.asked)
    assert second > 2 * first

    driver = Scripted(said('{"answer": 42}'))
    list(teacher(driver).decompose([Draft(TRACE)], "skill"))
    assert "could not be used" in driver.asked[1].body["messages"][-1]["content"]


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
    assert driver.asked == []


def test_two_rollouts_with_the_same_trace_each_have_their_draft():
    drafts = [Draft(TRACE), Draft(TRACE)]
    assert len(taught(Scripted(), drafts=drafts)) == 2


def test_gold_is_in_no_request():
    driver = Scripted()
    taught(driver, "verbatim")
    assert all("gold" not in json.dumps(request.body) for request in driver.asked)
