"""The prompts: files in drp/teacher/llm/prompts/, their versions, and the worked example that goes with each.

A prompt is a text with `{{part}}`s, a schema and the example in its own form. All of it is its version's
content: tests/teacher/llm/test_prompts.py fails when any of it changes without a new `version:` in the file.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import yaml

from drp.config import DecompositionKind, PromptMode
from drp.core import Decision, Draft, Revision, Step, StudentTrace
from drp.teacher.llm.reply_schemas import (
    AnyReply,
    FusedReply,
    IndexedReply,
    RevisedReply,
    StepRunsReply,
    VerbatimReply,
    strict_schema,
)
from drp.traces import joined, unit_ends

FILES = Path(__file__).parent / "prompts"

PromptName: TypeAlias = Literal[
    "decompose-indexed", "decompose-verbatim", "revise-indexed", "revise-verbatim", "fused"
]

MODELS: dict[PromptName, type[AnyReply]] = {
    "decompose-indexed": IndexedReply,
    "decompose-verbatim": VerbatimReply,
    "revise-indexed": StepRunsReply,
    "revise-verbatim": RevisedReply,
    "fused": FusedReply,
}
"""Every prompt with the model of its replies."""

_HEAD = re.compile(r"---\nversion: (\d{1,4})\n---\n")  # front matter
_PART = re.compile(r"\{\{([a-z]{1,20})\}\}")  # {{data}}: the part of that name


@dataclass(frozen=True)
class Prompt:
    """One prompt file."""

    name: PromptName
    number: int
    text: str

    @property
    def version(self) -> str:
        """`fused-1`."""
        return f"{self.name}-{self.number}"

    @property
    def model(self) -> type[AnyReply]:
        """The model of its replies."""
        return MODELS[self.name]

    def system(self, kind: DecompositionKind | None, *, structured: bool) -> str:
        """The system message; where the endpoint enforces no schema, the schema is asked for in words."""
        text = _PART.sub(lambda found: _part(found[1], kind), self.text).strip()
        if structured:
            return text
        schema = json.dumps(strict_schema(self.model)["schema"], separators=(",", ":"))
        return f"{text}\n\n{_part('schema', kind)}\n{schema}"


@cache
def prompt(name: PromptName) -> Prompt:
    """The prompt of that name."""
    text = (FILES / f"{name}.md").read_text(encoding="utf-8")
    head = _HEAD.match(text)
    if head is None:
        raise ValueError(f"{name}.md has no version at its head")
    return Prompt(name, int(head[1]), text[head.end() :])


def prompt_version(asking: PromptMode) -> str:
    """Versions of all prompts that are in use where a teacher is asked like this."""
    if asking == "fused":
        return prompt("fused").version
    return f"{prompt(f'decompose-{asking}').version}+{prompt(f'revise-{asking}').version}"


@cache
def _part(name: str, kind: DecompositionKind | None) -> str:
    file = f"kind-{kind}" if name == "kind" else name
    return (FILES / "parts" / f"{file}.md").read_text(encoding="utf-8").strip()


@cache
def example(kind: DecompositionKind) -> Draft:
    """The worked example, cut in a kind, with its decisions and revision."""
    written: dict[str, Any] = yaml.safe_load((FILES / "example.yaml").read_text(encoding="utf-8"))
    trace = StudentTrace(
        "example", written["question"], written["thinking"], written["response"], written["answer"]
    )
    rows = written["kinds"][kind]
    ends = unit_ends(trace.thinking)
    steps: list[Step] = []
    start = unit = 0
    for row in rows:
        unit += row["units"]
        steps.append(Step(start, ends[unit - 1], row["skill"], row["family"]))
        start = ends[unit - 1]
    merged = tuple(i for i, row in enumerate(rows) if row["action"] == "MULTI-STEP COMPRESS")
    decisions = tuple(
        Decision(
            i,
            row["action"],
            row.get("text"),
            row["reason"],
            tuple(other for other in merged if i in merged and other != i),
        )
        for i, row in enumerate(rows)
    )
    revision = Revision(joined(trace.thinking, steps, decisions), written["revised_response"])
    return Draft(trace, tuple(steps), decisions, revision)
