"""How a recipe runs its student: the engine, its server, prompt, marks, sampling, and parallelism."""

from pathlib import Path
from typing import Annotated, Any, Self, TypeAlias

import yaml
from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, model_validator

from drp.config.section_base import Section
from drp.core import check_plugin_name, content_id, sampled_rollout_id

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
    serve: tuple[str, ...] | None = Field(default=None, min_length=1)
    """The command that serves a checkpoint while it is evaluated, in words. `{model}` stands for its folder,
    `{name}` for the name that is asked for, `{port}` for a free port. None: `vllm serve`."""


class StudentPrompt(Section):
    """What a student is asked: the user message, and what surrounds it in the chat template."""

    question: str = Field(pattern=r"\{question\}")
    """The user message; `{question}` stands for the question."""
    system: str | None = None
    """The system message; None sends none."""
    template: dict[str, JsonValue] = Field(default_factory=dict)
    """Arguments of the chat template, such as `enable_thinking: true`."""

    def user_message(self, question: str) -> str:
        """Return the text of the user message that asks `question`."""
        return self.question.replace("{question}", question)

    def messages(self, question: str) -> list[dict[str, str]]:
        """Return the messages of the chat that asks `question`."""
        user = {"role": "user", "content": self.user_message(question)}
        return [*([{"role": "system", "content": self.system}] if self.system else []), user]


def read_prompt_file(path: Path) -> tuple[str, StudentPrompt]:
    """Read a prompt from a YAML file. Return it with its version: the file's stem and a hash of the content.

    Raises:
        ValueError: the file is missing or is not a prompt.
    """
    try:
        prompt = StudentPrompt.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ValueError(f"there is no prompt file {path}") from error
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {error}") from error
    return f"{path.stem}-{content_id('prompt', prompt.model_dump(mode='json'))[:8]}", prompt


class ThinkingMarks(Section):
    """The texts that a student writes before its thinking, and between its thinking and its answer.

    They are taught exactly as given. When a response is read, the space around them does not matter.
    """

    opening: str = Field(default="<think>\n", pattern=r"\S")
    """The text before the thinking."""
    closing: str = Field(default="\n</think>\n\n", pattern=r"\S")
    """The text between the thinking and the answer."""

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.opening.strip() == self.closing.strip():
            raise ValueError("the opening and the closing mark of the thinking are the same")
        return self

    def response_text(self, thinking: str, response: str) -> str:
        """Return what a student writes after a prompt that opens the thinking."""
        return f"{thinking}{self.closing}{response}"

    def split(self, text: str) -> tuple[str, str, bool]:
        """Return the thinking and the answer of a text, and whether the thinking is closed in it.

        Without a closing mark all of the text is thinking.
        """
        thinking, mark, response = text.partition(self.closing.strip())
        return thinking.strip().removeprefix(self.opening.strip()).strip(), response.strip(), bool(mark)

    def is_opened_by(self, prompt: str) -> bool:
        """Return whether a prompt ends with the opening mark."""
        return prompt.rstrip().endswith(self.opening.strip())


THINK = ThinkingMarks()
"""The marks of R1 and Qwen3."""
CHANNELS = ThinkingMarks(
    opening="<|channel|>analysis<|message|>",
    closing="<|end|><|start|>assistant<|channel|>final<|message|>",
)
"""The marks of gpt-oss, which thinks in the channel `analysis` and answers in the channel `final`."""
_MARKS = {"think": THINK, "channels": CHANNELS}


def _named_marks(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value not in _MARKS:
        raise ValueError(
            f"there are no marks {value!r} (available: {', '.join(_MARKS)}, or opening and closing)"
        )
    return _MARKS[value]


def marks_suffix(value: Any) -> str:
    """Return what marks add to the version of a prompt: nothing for the default ones and for invalid ones."""
    try:
        marks = ThinkingMarks.model_validate(_named_marks({} if value is None else value))
    except ValueError:
        return ""  # the field refuses them
    names = {known: name for name, known in _MARKS.items()}
    name = names.get(marks) or f"marks-{content_id('marks', marks.model_dump(mode='json'))[:6]}"
    return "" if name == "think" else f"+{name}"


Marks: TypeAlias = Annotated[ThinkingMarks, BeforeValidator(_named_marks)]
"""Marks of thinking: `think`, `channels`, or their texts."""


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
