"""Load the prompts in drp/teacher/llm/prompts/, with their versions.

A prompt consists of a text with `{{part}}`s, a schema, and the worked examples in the form of its replies.
Its version covers all three: tests/teacher/llm/test_prompts.py fails if one of them changes and the file has
no new `version:`.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

from drp.config import DecompositionKind, PromptMode
from drp.teacher.llm.reply_schemas import (
    AnyReply,
    FusedReply,
    FusedSynthesisReply,
    IndexedReply,
    RevisedReply,
    StepRunsReply,
    VerbatimReply,
    strict_schema,
)

FILES = Path(__file__).parent / "prompts"

PromptName: TypeAlias = Literal[
    "decompose-indexed", "decompose-verbatim", "revise-indexed", "revise-verbatim", "fused", "fused-synthesis"
]

MODELS: dict[PromptName, type[AnyReply]] = {
    "decompose-indexed": IndexedReply,
    "decompose-verbatim": VerbatimReply,
    "revise-indexed": StepRunsReply,
    "revise-verbatim": RevisedReply,
    "fused": FusedReply,
    "fused-synthesis": FusedSynthesisReply,
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
    if mode == "fused" or mode == "fused-synthesis":
        return prompt(mode).version
    return f"{prompt(f'decompose-{mode}').version}+{prompt(f'revise-{mode}').version}"


@cache
def _part(name: str, kind: DecompositionKind | None) -> str:
    file = f"kind-{kind}" if name == "kind" else name
    return (FILES / "parts" / f"{file}.md").read_text(encoding="utf-8").strip()
