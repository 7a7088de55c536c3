"""What a student is asked and what it says, in its own tokens: for the engines that run it on this machine.

    asked = dialogue.ask(sample.question)
    rollout = dialogue.rollout(sample, asked, tokens, is_finished=True)

Needs transformers, for chat templates. Whichever engine runs a student, its prompts are the same tokens, and
its responses are cut and counted by the same rules.
"""

from bisect import bisect_left
from pathlib import Path
from typing import NamedTuple

from transformers import AutoConfig, AutoTokenizer, GenerationConfig

from drp.core import BadInputError, FinishReason, Question, Rollout
from drp.student.prompts import prompt
from drp.student.protocol import SampleRequest, Student
from drp.student.response import Response, to_rollout
from drp.traces import THINK, THOUGHT, TokenCounter


class Asked(NamedTuple):
    """A question as the student is asked."""

    tokens: list[int]
    room: int
    """Tokens that may follow: as many as are wanted and the context has left."""
    is_open: bool
    """Whether the prompt opens the thinking."""


class Dialogue:
    """The chat template, the context and the stop tokens of one student."""

    def __init__(self, student: Student, engine: str) -> None:
        """`engine` is the name in the rollouts' column; the folder `student.model` has config and tokenizer.

        Raises:
            BadInputError: they cannot be read, or there is no chat template.
        """
        self._student, self._engine, folder = student, engine, Path(student.model)
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder)
            config = AutoConfig.from_pretrained(folder)
        except (OSError, ValueError, KeyError) as error:
            raise unreadable(folder, error) from error
        if not self._tokenizer.chat_template:
            raise refusal(f"the tokenizer in {folder} has no chat template")
        self.context = int(config.max_position_embeddings)
        """Tokens of a prompt and its response."""
        try:
            stops = GenerationConfig.from_pretrained(folder).eos_token_id
        except OSError:
            stops = getattr(config, "eos_token_id", None)
        if stops is None:
            stops = self._tokenizer.eos_token_id
        self.stops = frozenset(stops if isinstance(stops, list) else [stops])
        """The tokens that end a response; they are no part of it."""
        self._counter = TokenCounter(folder).name

    def ask(self, question: Question) -> Asked:
        """The question as the student is asked.

        Raises:
            BadInputError: it fills the student's context, so that nothing could follow it.
        """
        student = self._student
        messages = [{"role": "user", "content": prompt(student.prompt_version, question.question)}]
        text = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        tokens = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        if len(tokens) >= self.context:
            raise refusal(
                f"question {question.question_id} has {len(tokens)} tokens, and the context of"
                f" {student.name} {self.context}"
            )
        room = min(student.sampling.max_tokens, self.context - len(tokens))
        return Asked(tokens, room, text.rstrip().endswith(THINK))

    def rollout(
        self, sample: SampleRequest, asked: Asked, tokens: list[int], *, is_finished: bool
    ) -> Rollout:
        """What was said: `tokens` are those of the response, without the one that ended it."""
        thinking, response, think_tokens = self._split(tokens, asked.is_open)
        reason: FinishReason = "stop" if is_finished else "length"
        said = Response(thinking, response, reason, think_tokens, len(tokens), self._counter)
        return to_rollout(self._student, self._engine, sample, said)

    def _split(self, tokens: list[int], is_open: bool) -> tuple[str, str, int]:
        """Thinking, response, and the tokens of the thinking, its marks included.

        `is_open` says that the prompt began it.
        """
        text = self._text(tokens)
        is_open = is_open or text.lstrip().startswith(THINK)
        thinking, mark, response = text.partition(THOUGHT)
        if not mark:
            return (text.strip(), "", len(tokens)) if is_open else ("", text.strip(), 0)
        closed = bisect_left(range(len(tokens)), True, key=lambda end: THOUGHT in self._text(tokens[:end]))
        return thinking.strip().removeprefix(THINK).strip(), response.strip(), closed

    def _text(self, tokens: list[int]) -> str:
        return str(self._tokenizer.decode(tokens, clean_up_tokenization_spaces=False))


def unreadable(folder: Path, error: Exception) -> BadInputError:
    """A folder that is no student, and what transformers said of it."""
    return refusal(f"{folder} is no language model that transformers can read: {error}")


def refusal(problem: str) -> BadInputError:
    """A student, or a question, that no engine here can do anything with."""
    return BadInputError(
        problem,
        state="What was rolled out before it is kept",
        next_command="drp nightly --recipe drp, or set DRP_STUDENT to another student",
    )
