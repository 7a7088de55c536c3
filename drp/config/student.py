"""How a recipe runs its student: the engine, its server, sampling, and how it is spread over GPUs."""

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

from drp.config.section import Section
from drp.core import check_plugin_name

EngineName: TypeAlias = Annotated[str, AfterValidator(lambda name: check_plugin_name("engines", name))]
"""Name of the rollout engine that runs the student, such as `transformers`, `vllm` or `server`."""

LONGEST = 131_072
"""Tokens of the paper's longest responses (section 4); a server is not told a limit that is not lower."""


class Server(Section):
    """An OpenAI-compatible server that runs the student, such as `vllm serve`."""

    base_url: str = Field(pattern=r"^https?://")
    model: str
    """What the server calls it."""
    api_key_env: str | None = None
    """The variable that holds its key, if it wants one."""
    in_flight: int = Field(default=64, ge=1)
    """Requests under way."""


class Sampling(Section):
    """How the student is sampled."""

    samples: int = Field(default=1, ge=1)
    """Samples a question (K)."""
    temperature: float = Field(default=0.6, ge=0)
    top_p: float = Field(default=0.95, gt=0, le=1)
    max_tokens: int = Field(default=LONGEST, ge=1)
    seed: int = Field(default=0, ge=0)

    @property
    def identity(self) -> dict[str, float]:
        """What can change a sample: not how many others there are, so that raising K keeps the first ones."""
        return self.model_dump(mode="json", exclude={"samples"})


class Parallel(Section):
    """How a student is spread over a machine."""

    data: int = Field(default=1, ge=1)
    """Engines that share the samples, each a process with the whole student."""
    tensor: int = Field(default=1, ge=1)
    """GPUs that one engine spreads the student over, if it is vLLM."""
