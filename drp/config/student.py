"""How a recipe runs its student: the engine, its server, sampling, and parallelism."""

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

from drp.config.section_base import Section
from drp.core import check_plugin_name, sampled_rollout_id

EngineName: TypeAlias = Annotated[str, AfterValidator(lambda name: check_plugin_name("engines", name))]
"""Name of the rollout engine that runs the student, such as `transformers`, `vllm` or `server`."""

LONGEST = 131_072
"""Tokens of the paper's longest responses (section 4). A server is sent a limit only if it is lower."""


class Server(Section):
    """An OpenAI-compatible server that runs the student, such as `vllm serve`."""

    base_url: str = Field(pattern=r"^https?://")
    """Address of the API, most often with `/v1` at its end."""
    model: str
    """The server's name of the student."""
    api_key_env: str | None = None
    """Environment variable with the API key, if the server needs one."""
    in_flight: int = Field(default=64, ge=1)
    """The number of concurrent requests."""


class Sampling(Section):
    """How the student is sampled."""

    samples: int = Field(default=1, ge=1)
    """Samples per question (K)."""
    temperature: float = Field(default=0.6, ge=0)
    """0 always takes the most probable token."""
    top_p: float = Field(default=0.95, gt=0, le=1)
    """Tokens are sampled from the most probable ones, whose probabilities sum to this."""
    max_tokens: int = Field(default=LONGEST, ge=1)
    """Most tokens of a response. What is left of the model's context is a limit too."""
    seed: int = Field(default=0, ge=0)
    """With the question and the number of the sample it determines the seed of each sample."""

    @property
    def identity(self) -> dict[str, float]:
        """The settings that can change a sample. K is left out: raising it keeps the first samples."""
        return self.model_dump(mode="json", exclude={"samples"})

    def rollout_id(self, question_id: str, student: str, prompt_version: str, k: int) -> str:
        """Id of the k-th sample of a question, from 0; it is known before the sample is made."""
        return sampled_rollout_id(question_id, student, prompt_version, self.identity, k)


class Parallel(Section):
    """How a student is distributed over a machine."""

    data: int = Field(default=1, ge=1)
    """The number of engines that share the samples; each is a process with the whole student."""
    tensor: int = Field(default=1, ge=1)
    """The number of GPUs that one vLLM engine distributes the student over."""
