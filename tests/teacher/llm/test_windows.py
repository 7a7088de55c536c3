"""Long traces in windows: steps cover the trace exactly, and in the overlap the later window wins by rule."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drp.config.teacher_profiles import Limits
from drp.core.records import Decision, Draft, Step, StudentTrace
from drp.gates.row_gates import cover_fault
from drp.ledger.ledger import open_ledger
from drp.questions.generators.generate import generate, problem_from_source
from drp.teacher.llm.request_builder import RequestBuilder
from drp.teacher.llm.teacher import LlmTeacher
from drp.teacher.llm.windows import OVERLAP, TraceWindow, merged, windows
from drp.traces.numbering import unit_ends
from tests.fake_provider import provider
from tests.fake_provider.reply_text import think
from tests.scripted_student.server import SIZE
from tests.scripted_student.student import respond
from tests.teacher.llm.test_teacher import PROFILE, Scripted, completion
from tests.teacher.transport.online.nights import driver

CONTEXT = 9_000


def long_trace(characters: int) -> StudentTrace:
    """Return a trace that thinks about many problems and answers the last one."""
    thinking = ""
    for number, question in enumerate([*generate(SIZE, 3)] * 40):
        problem = problem_from_source(question.source)
        assert problem is not None
        reply = respond(problem, number)
        thinking += reply.thinking.strip() + "\n\n"
        if len(thinking) >= characters and reply.is_finished:
            answer = str(problem.answer)
            return StudentTrace("long", question.question, thinking.strip(), reply.response, answer)
    raise AssertionError("the student thinks too little")


TRACE = long_trace(60_000)


def builder(mode: str = "fused", kind: str = "skill", **limits: int) -> RequestBuilder:
    profile = PROFILE.model_copy(update={"limits": Limits(**({"context": CONTEXT} | limits))})
    return RequestBuilder(profile, mode, kind)


def decided(start: int, draft: Draft, thinking: str) -> dict[int, tuple[str, str | None]]:
    """Return action and text of each unit, by where the unit starts."""
    units = [0, *unit_ends(thinking)][:-1]
    found = {}
    for step, decision in zip(draft.steps, draft.decisions, strict=True):
        for unit in units:
            if step.char_start + start <= unit < step.char_end + start:
                found[unit] = (decision.action, decision.revised_text)
    return found


def test_a_trace_of_60_000_characters_is_covered_exactly_and_neighbours_meet_by_the_rule(capsys):
    assert len(TRACE.thinking) >= 60_000
    one = builder()
    strategy, draft = one.decomposing, Draft(TRACE)
    parts: list[tuple[TraceWindow, Draft]] = []
    for window in one.windows(strategy, draft):
        request = one.request(strategy, window)
        parts.append((window, one.parsed(strategy, window, think(request.body))))
        assert request.estimate.prompt_tokens + request.body["max_completion_tokens"] <= CONTEXT
    assert len(parts) >= 4
    whole = one.whole(draft, parts)
    assert cover_fault(whole.steps, TRACE.thinking) is None
    assert len(whole.decisions) == len(whole.steps)
    assert whole.revision is not None
    assert len(whole.revision.thinking) < len(TRACE.thinking)

    final = decided(0, whole, TRACE.thinking)
    by_part = [decided(window.start, part, TRACE.thinking) for window, part in parts]
    shared = agreed = 0
    for (window, _), earlier, later in zip(parts[1:], by_part, by_part[1:], strict=False):
        both = sorted(earlier.keys() & later.keys())
        assert len(both) == OVERLAP
        assert both[0] == window.start
        shared += len(both)
        agreed += sum(earlier[unit] == later[unit] for unit in both)
        differing = [unit for unit in both if final[unit] != later[unit]]
        meeting = max((unit for unit in differing), default=window.start - 1)
        assert all(final[unit] == later[unit] for unit in both if unit > meeting)
        assert all(final[unit] == earlier[unit] for unit in differing)
    with capsys.disabled():
        print(f"\n{len(parts)} windows, {shared} shared units, {agreed} of them decided alike")


@pytest.mark.parametrize(
    ("mode", "kind", "context"),
    [("indexed", "skill", 10_000), ("verbatim", "sentence", 24_000), ("fused", "none", 10_000)],
)
def test_every_prompt_mode_goes_in_windows(mode, kind, context):
    stand_in = Scripted()
    llm = LlmTeacher(builder(mode, kind, context=context, output_tokens=6_000), stand_in)
    [draft] = llm.revise(llm.decompose([Draft(TRACE)], kind))
    assert draft.refusal is None
    assert cover_fault(draft.steps, TRACE.thinking) is None
    assert len(draft.decisions) == len(draft.steps)
    assert len(stand_in.requests) >= 4
    assert any(
        "This is part 2 of" in request.body["messages"][-1]["content"] for request in stand_in.requests
    )


@pytest.mark.services
def test_windows_go_through_a_provider_with_this_context(tmp_path):
    with (
        provider(context=CONTEXT) as server,
        open_ledger(f"sqlite:///{tmp_path}/drp.db") as ledger,
        driver(server.base_url, ledger) as online,
    ):
        one = builder()
        changes = {"base_url": server.base_url, "model": "stand-in"}
        one = replace(one, profile=one.profile.model_copy(update=changes))
        [draft] = LlmTeacher(one, online).decompose([Draft(TRACE)], "skill")
        assert (
            server.totals()["asked"]
            == server.totals()["billed"]
            == len(one.windows(one.decomposing, Draft(TRACE)))
        )
    assert draft.refusal is None
    assert cover_fault(draft.steps, TRACE.thinking) is None


def test_what_fits_is_one_request_as_before():
    short = Draft(replace(TRACE, thinking=TRACE.thinking[:2_000]))
    for limits in ({}, {"context": 200_000}):
        one = builder(**limits)
        [window] = one.windows(one.decomposing, short)
        assert window == TraceWindow(1, 1, 0, short)
        body = one.request(one.decomposing, window).body
        assert "part 1" not in body["messages"][-1]["content"]


def test_a_window_that_is_refused_refuses_the_draft_and_one_that_is_bad_is_asked_again():
    one = builder()
    [draft] = LlmTeacher(one, Scripted(completion("no"))).decompose([Draft(TRACE)], "skill")
    assert draft.refusal is None
    stand_in = Scripted("dead: 400 no")
    [draft] = LlmTeacher(one, stand_in).decompose([Draft(TRACE)], "skill")
    assert draft.refusal is not None
    assert draft.refusal.detail.startswith("part 1 of ")
    assert draft.steps == ()


def test_a_context_smaller_than_the_prompt_is_left_to_the_provider_to_refuse():
    one = builder(context=500)
    assert len(one.windows(one.decomposing, Draft(TRACE))) == 1


@given(st.lists(st.integers(1, 50), min_size=2, max_size=60), st.floats(0.02, 0.99), st.integers(0, 10))
def test_windows_cover_all_pieces_and_overlap(sizes: list[int], share: float, overlap: int) -> None:
    thinking = "x" * len(sizes)
    cut = windows(
        Draft(replace(TRACE, thinking=thinking)), [*range(1, len(sizes) + 1)], sizes, share, overlap
    )
    assert cut[0].start == 0
    assert cut[-1].start + len(cut[-1].draft.trace.thinking) == len(sizes)
    assert [window.is_last for window in cut] == [False] * (len(cut) - 1) + [True]
    for one, two in pairwise(cut):
        assert one.start < two.start <= one.start + len(one.draft.trace.thinking)
        pieces = sizes[one.start : one.start + len(one.draft.trace.thinking)]
        assert len(pieces) == 1 or sum(pieces) <= share * sum(sizes)


@st.composite
def part_drafts(draw: Any) -> tuple[int, list[tuple[int, Draft]]]:
    """Return the length of a trace, and windows of it with steps, decisions and merges at random."""
    length = draw(st.integers(4, 40))
    parts, start, end = [], 0, 0
    while end < length:
        start = draw(st.integers(parts[-1][0] + 1, end)) if parts else 0
        end = length if len(parts) > 6 else draw(st.integers(max(start, end) + 1, length))
        size = end - start
        places = sorted({*draw(st.lists(st.integers(1, size), max_size=8)), size})
        steps = [Step(a, b, "s", "algebra") for a, b in pairwise((0, *places))]
        parts.append((start, Draft(TRACE, tuple(steps), tuple(draw(decisions(len(steps)))))))
    return length, parts


@st.composite
def decisions(draw: Any, count: int) -> list[Decision]:
    made: list[Decision] = []
    while len(made) < count:
        first, size = len(made), draw(st.integers(1, min(3, count - len(made))))
        members = range(first, first + size)
        if size > 1:
            made += [
                Decision(i, "MULTI-STEP COMPRESS", "t" if i == first else None, "", tuple({*members} - {i}))
                for i in members
            ]
        else:
            action = draw(st.sampled_from(["KEEP", "DELETE", "SINGLE-STEP COMPRESS"]))
            made.append(Decision(first, action, "t" if "COMPRESS" in action else None, ""))
    return made


@settings(max_examples=400)
@given(part_drafts())
def test_merged_windows_cover_the_trace_and_no_text_lacks_its_step(
    made: tuple[int, list[tuple[int, Draft]]],
) -> None:
    length, parts = made
    steps, decisions_ = merged(parts)
    assert cover_fault(steps, "x" * length) is None
    assert [decision.step_index for decision in decisions_] == [*range(len(steps))]
    for decision in decisions_:
        members = sorted({decision.step_index, *decision.merged_with})
        assert members[-1] < len(steps)
        assert all({*decisions_[m].merged_with} == {*members} - {m} for m in members)
        has_text = decision.revised_text is not None
        is_first = decision.step_index == members[0]
        assert has_text == ("COMPRESS" in decision.action and is_first)
    start, last = parts[-1]
    kept = {step.char_start: decision.action for step, decision in zip(steps, decisions_, strict=True)}
    ends = [(step.char_end + start, d.action) for step, d in zip(last.steps, last.decisions, strict=True)]
    assert (steps[-1].char_end, kept[steps[-1].char_start]) == ends[-1]  # the later window wins
