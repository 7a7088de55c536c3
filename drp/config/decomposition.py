"""How a teacher cuts a trace into steps, and which requests an LLM gets for it (paper, section 3.1)."""

from typing import Literal, TypeAlias

DecompositionKind: TypeAlias = Literal["skill", "step", "sentence", "none"]
"""What a step is: one atomic mathematical skill, a reasoning step, a sentence, or the whole trace."""
PromptMode: TypeAlias = Literal["fused", "indexed", "verbatim"]
"""`fused`: one request decomposes and revises. `indexed` and `verbatim`: one request for each of the two.
Steps are given as ranges of numbered units (`indexed`), or written out as in the paper (`verbatim`)."""
