"""A trace through prompt, fake provider and parser is covered, and all three prompt modes agree."""

import json
from collections import Counter
from contextlib import suppress

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drp.config.decomposition import DecompositionKind
from drp.core.records import Draft, StudentTrace
from drp.gates.row_gates import cover_fault
from drp.teacher.heuristic import HeuristicTeacher
from drp.teacher.heuristic.synthesise import boxed_answer
from drp.teacher.llm.messages import PromptRequest, build_decompose, build_fused, build_revise
from drp.teacher.llm.parse import read_decompose, read_fused, read_revise
from drp.teacher.llm.reply_schemas import UnusableReplyError
from drp.teacher.llm.token_estimate import estimated_tokens
from tests.fake_provider.completions import Mind
from tests.fake_provider.config import Config
from tests.fake_provider.reply_text import count_tokens, think
from tests.helpers.shared_data import shared_file
from tests.teacher.llm.replies import DRAFT, TWO_PASS_MODES, body_of, texts, trace_of

KINDS: tuple[DecompositionKind, ...] = ("skill", "step", "sentence")
PROVIDER = Mind(Config())


def drafts_of_all_modes(
    trace: StudentTrace, kind: DecompositionKind, *, structured: bool = True
) -> list[Draft]:
    """Return the trace after fused, indexed and verbatim."""
    fused = read_fused(trace, kind, think(body_of(build_fused(trace, kind, structured=structured))))
    drafts = [Draft(trace, *fused)]
    request = build_fused(trace, kind, structured=structured, is_synthesised=True)
    synthesised = read_fused(trace, kind, think(body_of(request)), is_synthesised=True)
    assert synthesised[:2] == fused[:2]
    for mode in TWO_PASS_MODES:
        reply = think(body_of(build_decompose(trace, kind, mode, structured=structured)))
        draft = Draft(trace, read_decompose(trace, kind, mode, reply))
        reply = think(body_of(build_revise(draft, mode, structured=structured)))
        drafts.append(Draft(trace, draft.steps, *read_revise(draft, mode, reply)))
    return drafts


@settings(max_examples=60, deadline=None)
@given(texts.filter(str.strip), st.sampled_from(KINDS), st.booleans())
def test_any_text_comes_back_covered(text: str, kind: DecompositionKind, structured: bool) -> None:
    trace = trace_of(text)
    steps = []
    reply = think(body_of(build_decompose(trace, kind, "indexed", structured=structured)))
    steps.append(read_decompose(trace, kind, "indexed", reply))
    reply = think(body_of(build_fused(trace, kind, structured=structured)))
    with suppress(UnusableReplyError):  # text of the student may be unusable in a revision
        steps.append(read_fused(trace, kind, reply)[0])
    for each in steps:
        assert cover_fault(each, text) is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("structured", [True, False])
def test_all_prompt_modes_agree(kind: DecompositionKind, structured: bool) -> None:
    fused, indexed, verbatim = drafts_of_all_modes(DRAFT.trace, kind, structured=structured)
    assert fused.steps == indexed.steps == verbatim.steps
    assert fused.revision == indexed.revision
    assert all(
        draft.revision and boxed_answer(draft.revision.response) == "37" for draft in (fused, verbatim)
    )
    heuristic = next(HeuristicTeacher().decompose([Draft(DRAFT.trace)], kind))
    assert fused.steps == heuristic.steps


def test_it_thinks_the_same_every_time() -> None:
    body = body_of(build_fused(DRAFT.trace, "skill", structured=True))
    assert think(body) == think(json.loads(json.dumps(body)))


def test_an_unknown_prompt_gets_a_sentence() -> None:
    assert "only think" in think({"messages": [{"role": "user", "content": "Hello"}]})


@pytest.mark.parametrize(
    "text", ["", "So \\frac{1}{2} + 12345 = 7.", "multiplication", "数学", "a\n\nb", "x" * 30]
)
def test_the_estimate_agrees_with_the_fake_provider(text: str) -> None:
    assert abs(estimated_tokens(text) - count_tokens(text)) <= 1 + 0.1 * count_tokens(text)


def recorded(count: int) -> list[StudentTrace]:
    """Return recorded traces of every length with closed thinking and a right answer."""
    columns = ["id", "question", "thinking", "response", "answer", "closed_think", "boxed_match"]
    rows = pq.read_table(shared_file("traces.parquet"), columns=columns).to_pylist()
    right = [row for row in rows if row["closed_think"] and row["boxed_match"]]
    return [
        StudentTrace(row["id"], row["question"], row["thinking"], row["response"], row["answer"])
        for row in right[:: len(right) // count]
    ]


def test_recorded_traces_are_cut_alike_and_cost_what_was_expected() -> None:
    billed: Counter[str] = Counter()
    expected: Counter[str] = Counter()

    def reply_to(prompt: PromptRequest) -> str:
        body = body_of(prompt)
        reply = think(body)
        billed[prompt.prompt_version] += PROVIDER.prompt_tokens(body) + count_tokens(reply)
        expected[prompt.prompt_version] += prompt.expected_prompt_tokens + prompt.expected_completion_tokens
        assert count_tokens(reply) < prompt.max_completion_tokens
        return reply

    for trace in recorded(24):
        steps = read_fused(trace, "skill", reply_to(build_fused(trace, "skill", structured=True)))[0]
        assert cover_fault(steps, trace.thinking) is None
        for mode in TWO_PASS_MODES:
            reply = reply_to(build_decompose(trace, "skill", mode, structured=True))
            assert read_decompose(trace, "skill", mode, reply) == steps
    for version, tokens in billed.items():
        assert 0.9 < expected[version] / tokens < 1.1, version
