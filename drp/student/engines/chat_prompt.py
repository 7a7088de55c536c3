"""Encode prompts and decode responses in a student's tokens, for the engines that run it on this machine.

    encoded = dialogue.encode_prompt(sample.question)
    rollout = dialogue.rollout(sample, encoded, tokens, is_finished=True)

Needs transformers for chat templates. All engines send the same prompt tokens to a student, and split and
count its responses by the same rules.
"""

from bisect import bisect_left
from pathlib import Path
from typing import NamedTuple

from transformers import AutoConfig, AutoTokenizer, GenerationConfig

from drp.config import LONGEST
from drp.core import BadInputError, FinishReason, Question, Rollout
from drp.student.engines.chat_template import end_of_turn, render_prompt
from drp.student.protocol import SampleRequest, Student
from drp.student.response import Response, to_rollout
from drp.traces import TokenCounter


class EncodedPrompt(NamedTuple):
    """A prompt in the student's tokens."""

    tokens: list[int]
    max_tokens: int
    """Maximum length of the response: the sampling limit, or what is left of the context."""
    opens_thinking: bool
    """Whether the prompt ends with the opening mark of the thinking."""


class Dialogue:
    """The chat template, the context and the stop tokens of one student."""

    def __init__(self, student: Student, engine: str) -> None:
        """Read config and tokenizer from the folder `student.model`; `engine` is the value of that column.

        Raises:
            BadInputError: they cannot be read, or there is no chat template.
        """
        self._student, self._engine = student, engine
        folder = Path(student.model)
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder)
            config = AutoConfig.from_pretrained(folder)
        except (OSError, ValueError, KeyError) as error:
            raise unreadable_model(folder, error) from error
        if not self._tokenizer.chat_template:
            raise sampling_error(f"the tokenizer in {folder} has no chat template")
        config = config.get_text_config()
        limits = (getattr(config, "max_position_embeddings", None), student.vllm.get("max_model_len"))
        self.context = min((int(limit) for limit in limits if limit), default=LONGEST)
        """Maximum number of tokens of a prompt and its response together."""
        try:
            stops = GenerationConfig.from_pretrained(folder).eos_token_id
        except OSError:
            stops = getattr(config, "eos_token_id", None)
        turn_end = end_of_turn(self._tokenizer, student.prompt)
        ends = {*(stops if isinstance(stops, list) else [stops]), turn_end} - {None}
        if not ends:
            raise sampling_error(f"nothing says at which token the responses of {folder} end (eos_token)")
        self.stops = frozenset(ends)
        """The tokens that end a response; they are not part of it."""
        self._counter = TokenCounter(folder).name

    def encode_prompt(self, question: Question) -> EncodedPrompt:
        """Return the prompt for `question`.

        Raises:
            BadInputError: the prompt fills the student's context and leaves no room for a response.
        """
        student = self._student
        text = render_prompt(self._tokenizer, student.prompt, question.question)
        tokens = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        if len(tokens) >= self.context:
            raise sampling_error(
                f"question {question.question_id} has {len(tokens)} tokens, and the context of"
                f" {student.name} {self.context}"
            )
        max_tokens = min(student.sampling.max_tokens, self.context - len(tokens))
        return EncodedPrompt(tokens, max_tokens, student.thinking.is_opened_by(text))

    def rollout(
        self, sample: SampleRequest, encoded: EncodedPrompt, tokens: list[int], *, is_finished: bool
    ) -> Rollout:
        """Return the rollout of a response; `tokens` excludes the stop token."""
        thinking, summary, think_tokens = self._split(tokens, encoded.opens_thinking)
        reason: FinishReason = "stop" if is_finished else "length"
        response = Response(thinking, summary, reason, think_tokens, len(tokens), self._counter)
        return to_rollout(self._student, self._engine, sample, response)

    def _split(self, tokens: list[int], is_open: bool) -> tuple[str, str, int]:
        """Return thinking, response, and the number of tokens of the thinking including its marks.

        `is_open` is true if the prompt opened the thinking.
        """
        text, marks = self._text(tokens), self._student.thinking
        is_open = is_open or text.lstrip().startswith(marks.opening.strip())
        thinking, response, is_closed = marks.split(text)
        if not is_closed:
            return (thinking, "", len(tokens)) if is_open else ("", text.strip(), 0)
        mark = marks.closing.strip()
        closed = bisect_left(range(len(tokens)), True, key=lambda end: mark in self._text(tokens[:end]))
        return thinking, response, closed

    def _text(self, tokens: list[int]) -> str:
        return str(self._tokenizer.decode(tokens, clean_up_tokenization_spaces=False))


def unreadable_model(folder: Path, error: Exception) -> BadInputError:
    """Return the error for a model folder that transformers cannot load."""
    return sampling_error(f"transformers cannot load {folder} as a language model: {error}")


def sampling_error(problem: str) -> BadInputError:
    """Return the error for a student or a question that the local engines cannot handle."""
    return BadInputError(
        problem,
        state="Rollouts sampled before it are kept",
        next_command="correct it in the recipe or in the model's folder, then run the same command again",
    )
