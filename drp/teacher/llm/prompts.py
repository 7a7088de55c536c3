"""Load the prompts in drp/teacher/llm/prompts/, with their versions and the worked example.

A prompt consists of a text with `{{part}}`s, a schema, and the worked example in the form of its replies. Its
version covers all three: tests/teacher/llm/test_prompts.py fails if one of them changes and the file has no
new `version:`.
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
"""The model of the replies to each prompt."""

_HEAD = re.compile(r"---\nversion: (\d{1,4})\n---\n")  # front matter
_PART = re.compile(r"\{\{([a-z-]{1,20})\}\}")  # {{answer}}: the part named "answer"


@dataclass(frozen=True)
class Prompt:
    """One prompt file."""

    name: PromptName
    number: int
    text: str

    @property
    def version(self) -> str:
        """Name and number, e.g. `fused-1`."""
        return f"{self.name}-{self.number}"

    @property
    def model(self) -> type[AnyReply]:
        """The model of the replies."""
        return MODELS[self.name]

    def system(self, kind: DecompositionKind | None, *, structured: bool) -> str:
        """Return the system message, with the schema unless the endpoint enforces it (`structured`)."""
        text = _PART.sub(lambda match: _part(match[1], kind), self.text).strip()
        if structured:
            return text
        schema = json.dumps(strict_schema(self.model)["schema"], separators=(",", ":"))
        return f"{text}\n\n{_part('schema', kind)}\n{schema}"


@cache
def prompt(name: PromptName) -> Prompt:
    """Load a prompt by its name."""
    text = (FILES / f"{name}.md").read_text(encoding="utf-8")
    head = _HEAD.match(text)
    if head is None:
        raise ValueError(f"{name}.md has no version at its head")
    return Prompt(name, int(head[1]), text[head.end() :])


def prompt_version(mode: PromptMode) -> str:
    """Return the versions of all prompts that a prompt mode uses."""
    if mode == "fused":
        return prompt("fused").version
    return f"{prompt(f'decompose-{mode}').version}+{prompt(f'revise-{mode}').version}"


@cache
def _part(name: str, kind: DecompositionKind | None) -> str:
    file = f"kind-{kind}" if name == "kind" else name
    return (FILES / "parts" / f"{file}.md").read_text(encoding="utf-8").strip()


@cache
def example(kind: DecompositionKind) -> Draft:
    """Load the worked example, decomposed by `kind`, with its decisions and revision."""
    content: dict[str, Any] = yaml.safe_load((FILES / "example.yaml").read_text(encoding="utf-8"))
    trace = StudentTrace(
        "example", content["question"], content["thinking"], content["response"], content["answer"]
    )
    rows = content["kinds"][kind]
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
    revision = Revision(joined(trace.thinking, steps, decisions), content["revised_response"])
    return Draft(trace, tuple(steps), decisions, revision)
