"""How a teacher cuts a trace into steps, and in which requests an LLM is asked (paper, section 3.1)."""

from typing import Literal, TypeAlias

DecompositionKind: TypeAlias = Literal["skill", "step", "sentence", "none"]
"""What a step is: one atomic mathematical skill, a reasoning step, a sentence, or the whole trace."""
PromptMode: TypeAlias = Literal["fused", "indexed", "verbatim"]
"""`fused`: one request decomposes and revises. `indexed`, `verbatim`: one request for each, with steps given
as ranges of numbered units, or written out again as in the paper."""
