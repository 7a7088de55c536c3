"""Build the prompts: the messages of one request, its schema, and the expected number of tokens.

    build_fused(trace, kind, structured=True)               one request: steps, decisions and response,
                                                            and the synthesis if asked for
    build_decompose(trace, kind, mode, structured=True)     two requests, as in the paper: steps first,
    build_revise(draft, mode, structured=True)              then decisions, synthesis and response

Everything before the message of the trace is the same for every trace, so that providers can cache it. No
request contains the gold answer.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

from drp.config import DecompositionKind
from drp.core import Draft, Step, StudentTrace
from drp.ledger import RequestStage
from drp.teacher.llm.data_delimiters import delimited
from drp.teacher.llm.examples import worked_examples
from drp.teacher.llm.prompts import PromptName, prompt
from drp.teacher.llm.reply_schemas import JsonSchema, strict_schema
from drp.teacher.llm.serialize_draft import reply_of
from drp.teacher.llm.token_estimate import estimated_tokens
from drp.traces import letter, numbered, shown, unit_ends

TwoPass: TypeAlias = Literal["indexed", "verbatim"]
"""The prompt modes that make two requests."""
Message: TypeAlias = Mapping[str, str]
WindowNumber: TypeAlias = tuple[int, int]
"""Number of a window of a long trace, counted from 1, and how many windows there are."""

_DECOMPOSE: Mapping[TwoPass, PromptName] = {
    "indexed": "decompose-indexed",
    "verbatim": "decompose-verbatim",
}
_REVISE: Mapping[TwoPass, PromptName] = {"indexed": "revise-indexed", "verbatim": "revise-verbatim"}


_FUSED: frozenset[PromptName] = frozenset({"fused", "fused-synthesis"})


@dataclass(frozen=True)
class PromptRequest:
    """One prompt for a teacher; tokens are estimates (`drp.teacher.llm.token_estimate`)."""

    stage: RequestStage
    prompt_version: str
    messages: Sequence[Message]
    schema: JsonSchema | None
    """The value of `response_format.json_schema`; None: the messages describe the schema."""
    max_completion_tokens: int
    """Tokens of the longest reply that can still be useful."""
    expected_prompt_tokens: int
    expected_completion_tokens: int


def build_decompose(
    trace: StudentTrace,
    kind: DecompositionKind,
    mode: TwoPass,
    *,
    structured: bool,
    fault: str | None = None,
    max_tokens_factor: float = 1.0,
    part: WindowNumber | None = None,
) -> PromptRequest:
    """Build the prompt for the steps of a trace (paper, section 3.1).

    Kind `none` needs no request: `drp.teacher.llm.parse.whole` returns its only step.

    Args:
        trace: a trace whose thinking is not empty.
        kind: kind of decomposition.
        mode: `indexed`: steps by their last unit; `verbatim`: steps copied from the trace.
        structured: whether the endpoint enforces a JSON schema.
        fault: what was wrong with the first reply, for a second attempt.
        max_tokens_factor: factor on the limit of the reply's tokens, if the first reply was cut off.
        part: which window of a long trace this is.
    """
    return _build(_DECOMPOSE[mode], Draft(trace), kind, structured, fault, max_tokens_factor, part)


def build_fused(
    trace: StudentTrace,
    kind: DecompositionKind,
    *,
    structured: bool,
    fault: str | None = None,
    max_tokens_factor: float = 1.0,
    part: WindowNumber | None = None,
    is_synthesised: bool = False,
) -> PromptRequest:
    """Build the prompt for steps, decisions and response at once; arguments as in `build_decompose`.

    If `is_synthesised`, the reply also has the whole revised thinking, written anew as in the paper.
    """
    name: PromptName = "fused-synthesis" if is_synthesised else "fused"
    return _build(name, Draft(trace), kind, structured, fault, max_tokens_factor, part)


def build_revise(
    draft: Draft,
    mode: TwoPass,
    *,
    structured: bool,
    fault: str | None = None,
    max_tokens_factor: float = 1.0,
    part: WindowNumber | None = None,
) -> PromptRequest:
    """Build the prompt for the decisions on a draft's steps and the revision (paper, section 3.2).

    In mode `indexed` the teacher writes only the texts of compressed steps, and code joins the thinking. In
    mode `verbatim` the teacher writes all of it, as in the paper. Other arguments as in `build_decompose`.
    """
    return _build(_REVISE[mode], draft, None, structured, fault, max_tokens_factor, part)


def _build(
    name: PromptName,
    draft: Draft,
    kind: DecompositionKind | None,
    structured: bool,
    fault: str | None,
    max_tokens_factor: float,
    part: WindowNumber | None,
) -> PromptRequest:
    template = prompt(name)
    content = _content(name, draft, fault, part)
    schema = strict_schema(template.model) if structured else None
    expected, most = _completion_tokens(name, draft, kind)
    content_tokens = 4 + estimated_tokens(content)
    stage: RequestStage = "fused" if name in _FUSED else "decompose" if kind else "revise"
    return PromptRequest(
        stage,
        template.version,
        (*_preamble(name, kind, structured), {"role": "user", "content": content}),
        schema,
        round(most * max_tokens_factor),
        _preamble_tokens(name, kind, structured) + content_tokens,
        expected,
    )


@cache
def _preamble(name: PromptName, kind: DecompositionKind | None, structured: bool) -> tuple[Message, ...]:
    """Return the messages before the trace: the system message and the worked examples."""
    messages: list[Message] = [
        {"role": "system", "content": prompt(name).system(kind, structured=structured)}
    ]
    for example in worked_examples(kind or "skill"):
        reply = reply_of(name, example.draft, example.needs)
        messages.append({"role": "user", "content": _content(name, example.draft)})
        messages.append({"role": "assistant", "content": reply.model_dump_json()})
    return tuple(messages)


@cache
def _preamble_tokens(name: PromptName, kind: DecompositionKind | None, structured: bool) -> int:
    schema = json.dumps(strict_schema(prompt(name).model)) if structured else ""
    messages = _preamble(name, kind, structured)
    return 3 + estimated_tokens(schema) + sum(4 + estimated_tokens(m["content"]) for m in messages)


_AGAIN = (
    "An earlier reply to this could not be used; what was wrong stands between the `fault` marks. "
    "Reply anew, without that fault."
)


def _content(
    name: PromptName, draft: Draft, fault: str | None = None, part: WindowNumber | None = None
) -> str:
    """Return the message of one trace: everything that the teacher may know about it, delimited."""
    trace = draft.trace
    thinking = trace.thinking
    is_revised = name not in _DECOMPOSE.values()
    data: dict[str, str] = {}
    if is_revised:  # decomposition sees only the trace, as in the paper
        data |= {"question": shown(trace.question), "answer": shown(trace.answer)}
    if name == "decompose-verbatim":
        data["trace"] = shown(thinking)
    elif name == "decompose-indexed" or name in _FUSED:
        data["trace"] = numbered(thinking, unit_ends(thinking))
    elif name == "revise-verbatim":
        data["steps"] = _listed(thinking, draft.steps)
    else:
        skills = dict.fromkeys(step.skill for step in draft.steps)
        letters = {skill: letter(index) for index, skill in enumerate(skills)}
        ends = [step.char_end for step in draft.steps]
        data["skills"] = "\n".join(f"{key} {shown(skill)}" for skill, key in letters.items())
        data["steps"] = numbered(thinking, ends, [letters[step.skill] for step in draft.steps])
    if is_revised:
        data["response"] = shown(trace.response)
    if fault is not None:
        data["fault"] = shown(fault)
    notes = [_part_note(name, *part)] if part else []
    notes += [_AGAIN] if fault is not None else []
    return "\n\n".join([delimited(data), *notes])


def _part_note(name: PromptName, number: int, count: int) -> str:
    """Return what a teacher must know about a window; the prompt itself is the same, so that it is cached."""
    note = f"The trace is long. This is part {number} of {count}; neighbouring parts overlap a little. "
    note += "Reply about this part as if it were the whole trace"
    if number == count:
        return f"{note}."
    note += ", but it goes on: what it finds may be needed later, and it need not end with the answer."
    return note if name in _DECOMPOSE.values() else f'{note} Only the last part has a `response`; give "".'


def _listed(thinking: str, steps: Sequence[Step]) -> str:
    """List steps as the paper does: number, text and skill (Appendix E)."""
    text = shown(thinking)
    return "\n".join(
        f"Step {n}: {text[step.char_start : step.char_end]}\nSkill: {shown(step.skill)}"
        for n, step in enumerate(steps, start=1)
    )


_STEPS_PER_UNIT = {"skill": 0.38, "step": 0.51, "sentence": 1.0, "none": 0.0}
# Tokens of a reply: always, per token of thinking, per step.
_EXPECTED: Mapping[PromptName, tuple[float, float, float]] = {
    "decompose-indexed": (92, 0.0, 3.7),
    "decompose-verbatim": (0, 0.97, 18.3),
    "revise-indexed": (550, 0.026, 0.0),
    "revise-verbatim": (0, 0.8, 29.0),
    "fused": (580, 0.086, 0.0),
    "fused-synthesis": (0, 0.85, 7.3),
}
# Both are fitted to the heuristic teacher's replies to recorded traces; benchmarks/teacher_tokens prints how
# well they fit. The ledger shows what another teacher writes after its first night.

# Most tokens of a reply: per token of thinking, per unit or step.
_MOST: Mapping[PromptName, tuple[float, int]] = {
    "decompose-indexed": (0, 15),  # every unit is a step with its own skill
    "decompose-verbatim": (1.3, 30),
    "revise-indexed": (1.2, 30),  # every step compressed to its own length
    "revise-verbatim": (2.4, 50),
    "fused": (1.2, 40),
    "fused-synthesis": (2.4, 40),
}
_SPARE = 1_000  # tokens


def _completion_tokens(name: PromptName, draft: Draft, kind: DecompositionKind | None) -> tuple[int, int]:
    """Return the expected and the most tokens of a reply. The most counts towards a provider's limits."""
    units = len(unit_ends(draft.trace.thinking))
    steps = len(draft.steps) or max(1.0, _STEPS_PER_UNIT[kind or "skill"] * units)
    thinking, response = estimated_tokens(draft.trace.thinking), estimated_tokens(draft.trace.response)
    always, per_token, per_step = _EXPECTED[name]
    expected = always + per_token * thinking + per_step * steps
    per_token, per_unit = _MOST[name]
    most = _SPARE + per_token * thinking + 2 * response + per_unit * max(units, len(draft.steps))
    return round(expected), round(most)
