"""What a teacher is asked: the messages of one request, its schema, and how many tokens to expect.

    ask_fused(trace, kind, structured=True)                 one request: steps, decisions and response
    ask_decompose(trace, kind, asking, structured=True)     two requests, as in the paper: steps first,
    ask_revise(draft, asking, structured=True)              then decisions, synthesis and response

All that comes before the trace's own message is the same for every trace, so that providers cache it. The
gold answer is in no request.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

from drp.config import DecompositionKind
from drp.core import Draft, Step, StudentTrace
from drp.ledger import RequestStage
from drp.teacher.llm.fencing import fenced
from drp.teacher.llm.prompts import PromptName, example, prompt
from drp.teacher.llm.reply_schemas import JsonSchema, strict_schema
from drp.teacher.llm.serialize import reply_of
from drp.teacher.llm.token_estimate import estimated_tokens
from drp.traces import letter, numbered, shown, unit_ends

TwoPass: TypeAlias = Literal["indexed", "verbatim"]
"""The askings that make two requests."""
Message: TypeAlias = Mapping[str, str]

_DECOMPOSE: Mapping[TwoPass, PromptName] = {
    "indexed": "decompose-indexed",
    "verbatim": "decompose-verbatim",
}
_REVISE: Mapping[TwoPass, PromptName] = {"indexed": "revise-indexed", "verbatim": "revise-verbatim"}


@dataclass(frozen=True)
class PromptRequest:
    """One question to a teacher; tokens are estimates (`drp.teacher.llm.token_estimate`)."""

    stage: RequestStage
    prompt_version: str
    messages: Sequence[Message]
    schema: JsonSchema | None
    """The value of `response_format.json_schema`; None: the schema is asked for in words."""
    max_completion_tokens: int
    """Room for the longest reply that can still be useful."""
    expected_prompt_tokens: int
    expected_completion_tokens: int


def build_decompose(
    trace: StudentTrace,
    kind: DecompositionKind,
    asking: TwoPass,
    *,
    structured: bool,
    fault: str | None = None,
    roomier: float = 1.0,
) -> PromptRequest:
    """Ask for the steps of a trace (paper, section 3.1). Kind `none` needs no request (`read.whole`).

    Args:
        trace: its thinking is not empty.
        kind: how it is to be cut.
        asking: by numbers of units, or written out again.
        structured: whether the endpoint enforces a JSON schema.
        fault: what was wrong with a first reply, when this is the second attempt.
        roomier: factor on the room for the reply, when the first one was cut.
    """
    return _build(_DECOMPOSE[asking], Draft(trace), kind, structured, fault, roomier)


def build_fused(
    trace: StudentTrace,
    kind: DecompositionKind,
    *,
    structured: bool,
    fault: str | None = None,
    roomier: float = 1.0,
) -> PromptRequest:
    """Ask for steps, decisions and response at once; arguments as of `ask_decompose`."""
    return _build("fused", Draft(trace), kind, structured, fault, roomier)


def build_revise(
    draft: Draft, asking: TwoPass, *, structured: bool, fault: str | None = None, roomier: float = 1.0
) -> PromptRequest:
    """Ask for the decisions on a draft's steps and the revision (paper, section 3.2).

    `indexed`: the texts of compressed steps alone, the thinking is put together by code; `verbatim`: all of
    it written by the teacher, as in the paper. Other arguments as of `ask_decompose`.
    """
    return _build(_REVISE[asking], draft, None, structured, fault, roomier)


def _build(
    name: PromptName,
    draft: Draft,
    kind: DecompositionKind | None,
    structured: bool,
    fault: str | None,
    roomier: float,
) -> PromptRequest:
    asked = prompt(name)
    content = _content(name, draft, fault)
    schema = strict_schema(asked.model) if structured else None
    expected, most = _completion_tokens(name, draft, kind)
    own = 4 + estimated_tokens(content)
    stage: RequestStage = "fused" if name == "fused" else "decompose" if kind else "revise"
    return PromptRequest(
        stage,
        asked.version,
        (*_preamble(name, kind, structured), {"role": "user", "content": content}),
        schema,
        round(most * roomier),
        _preamble_tokens(name, kind, structured) + own,
        expected,
    )


@cache
def _preamble(name: PromptName, kind: DecompositionKind | None, structured: bool) -> tuple[Message, ...]:
    """System message and worked example."""
    shown_draft = example(kind or "skill")
    return (
        {"role": "system", "content": prompt(name).system(kind, structured=structured)},
        {"role": "user", "content": _content(name, shown_draft)},
        {"role": "assistant", "content": reply_of(name, shown_draft).model_dump_json()},
    )


@cache
def _preamble_tokens(name: PromptName, kind: DecompositionKind | None, structured: bool) -> int:
    asked_for = json.dumps(strict_schema(prompt(name).model)) if structured else ""
    messages = _preamble(name, kind, structured)
    return 3 + estimated_tokens(asked_for) + sum(4 + estimated_tokens(m["content"]) for m in messages)


_AGAIN = (
    "An earlier reply to this could not be used; what was wrong stands between the `fault` marks. "
    "Reply anew, without that fault."
)


def _content(name: PromptName, draft: Draft, fault: str | None = None) -> str:
    """The message of one trace: all that the teacher may know of it, fenced."""
    trace = draft.trace
    thinking = trace.thinking
    is_revised = name not in _DECOMPOSE.values()
    data: dict[str, str] = {}
    if is_revised:  # cutting is done by the trace alone, as in the paper
        data |= {"question": shown(trace.question), "answer": shown(trace.answer)}
    if name == "decompose-verbatim":
        data["trace"] = shown(thinking)
    elif name in {"decompose-indexed", "fused"}:
        data["trace"] = numbered(thinking, unit_ends(thinking))
    elif name == "revise-verbatim":
        data["steps"] = _listed(thinking, draft.steps)
    else:
        skills = dict.fromkeys(step.skill for step in draft.steps)
        letters = {skill: letter(place) for place, skill in enumerate(skills)}
        ends = [step.char_end for step in draft.steps]
        data["skills"] = "\n".join(f"{key} {shown(skill)}" for skill, key in letters.items())
        data["steps"] = numbered(thinking, ends, [letters[step.skill] for step in draft.steps])
    if is_revised:
        data["response"] = shown(trace.response)
    if fault is None:
        return fenced(data)
    return f"{fenced(data | {'fault': shown(fault)})}\n\n{_AGAIN}"


def _listed(thinking: str, steps: Sequence[Step]) -> str:
    """Steps as the paper lists them: number, text and skill (Appendix E)."""
    text = shown(thinking)
    return "\n".join(
        f"Step {n}: {text[step.char_start : step.char_end]}\nSkill: {shown(step.skill)}"
        for n, step in enumerate(steps, start=1)
    )


_STEPS_PER_UNIT = {"skill": 0.82, "step": 0.51, "sentence": 1.0, "none": 0.0}
_EXPECTED: Mapping[
    PromptName, tuple[float, float, float]
] = {  # tokens: always, per token of thinking, per step
    "decompose-indexed": (110, 0.01, 2.9),
    "decompose-verbatim": (88, 1.07, 12.6),
    "revise-indexed": (360, 0.06, 0.0),
    "revise-verbatim": (0, 1.0, 27.5),
    "fused": (354, 0.085, 18.8),
}
# Both fitted to what the heuristic teacher replies to recorded traces (benchmarks/teacher_tokens prints how
# well they fit). What another teacher writes is seen in the ledger after its first night.


_MOST: Mapping[PromptName, tuple[float, int]] = {  # tokens: per token of thinking, per unit or step
    "decompose-indexed": (0, 15),  # every unit a step with a skill of its own
    "decompose-verbatim": (1.3, 30),
    "revise-indexed": (1.2, 30),  # every step compressed to its own length
    "revise-verbatim": (2.4, 50),
    "fused": (1.2, 40),
}
_SPARE = 1_000  # tokens


def _completion_tokens(name: PromptName, draft: Draft, kind: DecompositionKind | None) -> tuple[int, int]:
    """(expected, most) tokens of a reply. The most counts towards a provider's limits."""
    units = len(unit_ends(draft.trace.thinking))
    steps = len(draft.steps) or max(1.0, _STEPS_PER_UNIT[kind or "skill"] * units)
    thinking, response = estimated_tokens(draft.trace.thinking), estimated_tokens(draft.trace.response)
    always, per_token, per_step = _EXPECTED[name]
    expected = always + per_token * thinking + per_step * steps
    per_token, per_unit = _MOST[name]
    most = _SPARE + per_token * thinking + 2 * response + per_unit * max(units, len(draft.steps))
    return round(expected), round(most)
