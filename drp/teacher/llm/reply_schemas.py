"""What a teacher may reply: one pydantic model for each prompt, with its strict JSON schema.

The schemas keep to what OpenAI's strict mode takes: every property is required, no other is allowed. A reply
is parsed by the same model whether the endpoint enforces the schema or was only told of it. That what is
said in the right form is also true of the trace is for `drp.teacher.llm.parse` to find out.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from drp.core import Action
from drp.traces import SKILL_FAMILIES

JsonSchema: TypeAlias = Mapping[str, Any]


class UnusableReplyError(Exception):
    """An answer that is no answer: never raised out of a teacher, which asks again or refuses the trace.

    Args:
        reason: the gate reason of the refusal.
        fault: what is wrong and where, in words fit for the teacher that is asked again.
    """

    def __init__(self, reason: Literal["uncovered", "malformed"], fault: str) -> None:
        super().__init__(reason, fault)
        self.reason: Literal["uncovered", "malformed"] = reason
        self.fault = fault if len(fault) <= _LONGEST_FAULT else f"{fault[:_LONGEST_FAULT]}…"

    def __str__(self) -> str:
        return f"{self.reason}: {self.fault}"


_LONGEST_FAULT = 400  # characters: it goes into a prompt and a row
_LONGEST_REPLY = 4_000_000  # characters; four times a full context
_JSON_FENCE = re.compile(r"```(?:json)?[ \t]*\n(.*)\n[ \t]*```", re.S)  # the one wrapping that is forgiven
_FAULTS = 2  # that are named at once

# An unknown family is no reason to throw a reply away: it is asked for as one of ten and read as any text.
Family: TypeAlias = Annotated[str, Field(json_schema_extra={"enum": list(SKILL_FAMILIES)})]


class _StrictModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class AnyReply(_StrictModel):
    """Base class of whole replies."""

    name: ClassVar[str]
    """Name of the schema, which an endpoint wants."""


class IndexedReply(AnyReply):
    """decompose-indexed: each skill once, with a letter, then the steps by number and letter."""

    name = "drp_decompose_indexed"
    skills: list[str]
    """`a family: name`, `b ...`."""
    steps: list[str]
    """`4c`: the last unit, counted from 1, and the skill's letter."""


class VerbatimStep(_StrictModel):
    """A step written out."""

    text: str
    skill: str
    family: Family


class VerbatimReply(AnyReply):
    """decompose-verbatim: each step with its skill (paper, Appendix E)."""

    name = "drp_decompose_verbatim"
    steps: list[VerbatimStep]


def _shape(value: Any) -> str:
    has_text = "text" in value if isinstance(value, dict) else hasattr(value, "text")
    return "written" if has_text else "as it is"


class FusedStep(_StrictModel):
    """A step that needs no words: kept, deleted, or in the merge that began before it."""

    end: int
    skill: str
    family: Family
    action: Literal["KEEP", "DELETE", "MULTI-STEP COMPRESS"]


class FusedText(_StrictModel):
    """A step with its new words; of a merge its first step."""

    end: int
    skill: str
    family: Family
    action: Literal["SINGLE-STEP COMPRESS", "MULTI-STEP COMPRESS"]
    text: str


class FusedReply(AnyReply):
    """fused: steps by their last unit (counted from 1), each with its action; and the response."""

    name = "drp_fused"
    steps: list[
        Annotated[
            Annotated[FusedStep, Tag("as it is")] | Annotated[FusedText, Tag("written")],
            Discriminator(_shape),
        ]
    ]
    response: str


class StepRun(_StrictModel):
    """Steps in a row that are all kept, all deleted, or merged; or one that is compressed."""

    to: int
    action: Action
    text: str | None


class StepRunsReply(AnyReply):
    """revise-indexed: runs of steps by their last one (counted from 1), and the response."""

    name = "drp_revise_indexed"
    runs: list[StepRun]
    response: str


class RevisedStep(_StrictModel):
    """One decision; steps are counted from 1."""

    step: int
    action: Action
    text: str | None
    merged_with: list[int]
    reason: str


class RevisedReply(AnyReply):
    """revise-verbatim: a decision for each step, the synthesis and the response (paper, Appendix E)."""

    name = "drp_revise_verbatim"
    decisions: list[RevisedStep]
    thinking: str
    response: str


Model = TypeVar("Model", bound=AnyReply)


def parsed(model: type[Model], text: str) -> Model:
    """The reply in `text`: JSON alone, or in one ```json fence.

    Raises:
        UnusableReplyError: `malformed`, with the first faults.
    """
    bare = text.strip()
    if not bare:
        raise UnusableReplyError("malformed", "the reply is empty")
    if len(bare) > _LONGEST_REPLY:
        raise UnusableReplyError("malformed", f"the reply has more than {_LONGEST_REPLY:,} characters")
    if wrapped := _JSON_FENCE.fullmatch(bare):
        bare = wrapped[1]
    try:
        return model.model_validate_json(bare)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
    named = "; ".join(f"{_place(fault['loc'])}{fault['msg']}" for fault in faults[:_FAULTS])
    more = f" (and {len(faults) - _FAULTS} more)" if len(faults) > _FAULTS else ""
    raise UnusableReplyError("malformed", f"the reply is not what the schema asks for: {named}{more}")


def _place(location: tuple[int | str, ...]) -> str:
    return f"{'.'.join(map(str, location))}: " if location else ""


def strict_schema(model: type[AnyReply]) -> JsonSchema:
    """The value of `response_format.json_schema`: name, `strict`, and the schema without references."""
    document = model.model_json_schema()
    definitions = document.pop("$defs", {})
    return {"name": model.name, "strict": True, "schema": _plain(document, definitions)}


def _plain(node: Any, definitions: Mapping[str, Any]) -> Any:
    """A part of a schema, references replaced by what they name, without titles and prose."""
    if isinstance(node, list):
        return [_plain(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _plain(definitions[node["$ref"].rsplit("/", 1)[1]], definitions)
    if "properties" in node:
        properties = {name: _plain(part, definitions) for name, part in node["properties"].items()}
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
    names = {"oneOf": "anyOf"}  # strict mode knows anyOf alone
    return {
        names.get(name, name): _plain(part, definitions)
        for name, part in node.items()
        if name not in {"title", "description", "discriminator"}
    }
