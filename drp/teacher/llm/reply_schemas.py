"""The replies a teacher may give: one pydantic model for each prompt, with its strict JSON schema.

The schemas fit OpenAI's strict mode: every property is required, and no other is allowed. A reply is parsed
by the same model whether the endpoint enforces the schema or the prompt only describes it. These models check
the form; `drp.teacher.llm.parse` checks the content against the trace.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from drp.core import Action
from drp.traces import SKILL_FAMILIES

JsonSchema: TypeAlias = Mapping[str, Any]


class UnusableReplyError(Exception):
    """A reply that cannot be used. The teacher handles it: it asks again or refuses the trace.

    Args:
        reason: the reject reason of the refusal.
        fault: what is wrong and where; the second prompt quotes it to the teacher.
    """

    def __init__(self, reason: Literal["uncovered", "malformed"], fault: str) -> None:
        super().__init__(reason, fault)
        self.reason: Literal["uncovered", "malformed"] = reason
        self.fault = fault if len(fault) <= _LONGEST_FAULT else f"{fault[:_LONGEST_FAULT]}…"

    def __str__(self) -> str:
        return f"{self.reason}: {self.fault}"


_LONGEST_FAULT = 400  # characters: it goes into a prompt and a row
_LONGEST_REPLY = 4_000_000  # characters; four times a full context
_JSON_FENCE = re.compile(r"```(?:json)?[ \t]*\n(.*)\n[ \t]*```", re.S)  # the only wrapper that is accepted
# Marks that end the thinking of a model: tags, Kimi's triangles, gpt-oss's last channel.
_THOUGHT = re.compile(
    r"</(?:think|thinking|thought|reasoning|seed:think)>|\[/THINK\]|◁/think▷"
    r"|<\|channel\|>final(?: [^<]{0,40})?<\|message\|>"
)
_END = re.compile(r"<\|(?:return|end|im_end|eot_id)\|>\Z")
_FAULTS = 2  # faults named in one message

# The schema allows the ten families only; parsing accepts any text, so that an unknown family does not cost
# a reply.
Family: TypeAlias = Annotated[str, Field(json_schema_extra={"enum": list(SKILL_FAMILIES)})]


class _StrictModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class AnyReply(_StrictModel):
    """Base class of whole replies."""

    name: ClassVar[str]
    """Name of the schema, which endpoints require."""


class IndexedReply(AnyReply):
    """Reply to decompose-indexed: each skill once, with a letter, then the steps by number and letter."""

    name = "drp_decompose_indexed"
    skills: list[str]
    """`a family: name`, `b ...`."""
    steps: list[str]
    """`4c`: the last unit of the step, counted from 1, and the skill's letter."""


class VerbatimStep(_StrictModel):
    """A step copied from the trace."""

    text: str
    skill: str
    family: Family


class VerbatimReply(AnyReply):
    """Reply to decompose-verbatim: each step with its skill (paper, Appendix E)."""

    name = "drp_decompose_verbatim"
    steps: list[VerbatimStep]


def _shape(value: Any) -> str:
    has_text = "text" in value if isinstance(value, dict) else hasattr(value, "text")
    return "written" if has_text else "as it is"


class FusedRun(_StrictModel):
    """Steps in a row that are all kept or all deleted."""

    steps: list[str]
    action: Literal["KEEP", "DELETE"]


class FusedTextRun(_StrictModel):
    """A step that is compressed, or steps that are merged, with their new text."""

    steps: list[str]
    action: Literal["SINGLE-STEP COMPRESS", "MULTI-STEP COMPRESS"]
    text: str


AnyFusedRun: TypeAlias = Annotated[
    Annotated[FusedRun, Tag("as it is")] | Annotated[FusedTextRun, Tag("written")], Discriminator(_shape)
]


class FusedReply(AnyReply):
    """Reply to fused: what the derivation needs, skills and steps as in IndexedReply, decisions, response."""

    name = "drp_fused"
    needs: str
    """What the final derivation needs; written before anything is decided."""
    skills: list[str]
    runs: list[AnyFusedRun]
    response: str


class FusedSynthesisReply(AnyReply):
    """Reply to fused-synthesis: the same, with the whole revised thinking (paper, section 3.2)."""

    name = "drp_fused_synthesis"
    needs: str
    skills: list[str]
    runs: list[AnyFusedRun]
    thinking: str
    response: str


class StepRun(_StrictModel):
    """Steps in a row that are all kept, all deleted or merged, or one step that is compressed."""

    to: int
    action: Action
    text: str | None


class StepRunsReply(AnyReply):
    """Reply to revise-indexed: runs of steps by their last step (counted from 1), and the response."""

    name = "drp_revise_indexed"
    needs: str
    runs: list[StepRun]
    response: str


class RevisedStep(_StrictModel):
    """The decision on one step; steps are counted from 1."""

    step: int
    action: Action
    text: str | None
    merged_with: list[int]
    reason: str


class RevisedReply(AnyReply):
    """Reply to revise-verbatim: a decision per step, the synthesis and the response (paper, Appendix E)."""

    name = "drp_revise_verbatim"
    needs: str
    decisions: list[RevisedStep]
    thinking: str
    response: str


Model = TypeVar("Model", bound=AnyReply)


def parsed(model: type[Model], text: str) -> Model:
    """Parse the reply in `text`: JSON alone, or in one ```json fence, also after a model's marked thinking.

    Raises:
        UnusableReplyError: `malformed`, with the first faults.
    """
    document = without_thinking(text)
    if not document:
        raise UnusableReplyError("malformed", "the reply is empty")
    if len(document) > _LONGEST_REPLY:
        raise UnusableReplyError("malformed", f"the reply has more than {_LONGEST_REPLY:,} characters")
    if fenced := _JSON_FENCE.fullmatch(document):
        document = fenced[1]
    try:
        return model.model_validate_json(document)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
    named = "; ".join(f"{_place(fault['loc'])}{fault['msg']}" for fault in faults[:_FAULTS])
    more = f" (and {len(faults) - _FAULTS} more)" if len(faults) > _FAULTS else ""
    raise UnusableReplyError("malformed", f"the reply is not what the schema asks for: {named}{more}")


def without_thinking(text: str) -> str:
    """Return what follows a model's marked thinking, without white space around it.

    A reply that begins with its JSON has no thinking before it; marks in it are a part of its texts.
    """
    document = text.strip()
    if document.startswith(("{", "```")):
        return document
    ends = [match.end() for match in _THOUGHT.finditer(document)]
    return _END.sub("", document[ends[-1] :].strip()).strip() if ends else document


def _place(location: tuple[int | str, ...]) -> str:
    return f"{'.'.join(map(str, location))}: " if location else ""


def strict_schema(model: type[AnyReply]) -> JsonSchema:
    """Return the value of `response_format.json_schema`: name, `strict` and a schema without references."""
    document = model.model_json_schema()
    definitions = document.pop("$defs", {})
    return {"name": model.name, "strict": True, "schema": _plain(document, definitions)}


def _plain(node: Any, definitions: Mapping[str, Any]) -> Any:
    """Return a part of a schema with references resolved, without titles and descriptions."""
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
    names = {"oneOf": "anyOf"}  # strict mode supports only anyOf
    return {
        names.get(name, name): _plain(part, definitions)
        for name, part in node.items()
        if name not in {"title", "description", "discriminator"}
    }
