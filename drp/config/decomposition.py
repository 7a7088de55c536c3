"""How a teacher cuts a trace into steps, and which requests an LLM gets for it (paper, section 3.1)."""

from typing import Literal, TypeAlias

DecompositionKind: TypeAlias = Literal["skill", "step", "sentence", "none"]
"""What a step is: one atomic mathematical skill, a reasoning step, a sentence, or the whole trace."""
PromptMode: TypeAlias = Literal["fused", "fused-synthesis", "indexed", "verbatim"]
"""`fused`: one request decomposes and revises. `indexed` and `verbatim`: one request for each of the two.
Steps are given as ranges of numbered units, or written out as in the paper (`verbatim`). In `fused-synthesis`
and `verbatim` the reply also writes the whole revised thinking, as in the paper; otherwise code joins it."""
