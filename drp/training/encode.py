"""Tokenise examples: the prompt as the rollout engine sends it, followed by the target response.

    encoder = Encoder(AutoTokenizer.from_pretrained(folder), folder)
    encoded, dropped = encoder.encode(examples, max_length=4096)

The prompt is encoded separately, exactly as for sampling (student/engines/chat_prompt.py), so that no token
spans the boundary between prompt and response. The loss covers only the response, including the token with
which the chat template ends a turn.
"""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from more_itertools import chunked
from transformers import PreTrainedTokenizerBase

from drp.config import THINK, StudentPrompt, ThinkingMarks
from drp.core import BadInputError
from drp.curation import Example
from drp.student.engines import end_of_turn, knows_marks, render_prompt

QUESTION_ONLY = StudentPrompt(question="{question}")
"""The prompt of examples whose questions are whole user messages, without a system message."""
_COPY = "copy the model's tokenizer and chat template into that folder, then train again"
_BATCH = 256  # examples per call of the tokenizer


class Encoded(NamedTuple):
    """A tokenised example: int32 tokens [n], of which the first `prompt` are the prompt and carry no loss."""

    question_id: str
    tokens: torch.Tensor
    prompt: int
    weight: float

    @property
    def taught(self) -> int:
        """Number of response tokens, over which the loss is taken."""
        return len(self.tokens) - self.prompt


class Encoder:
    """Encode examples with the tokenizer of the base model."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        folder: Path,
        prompt: StudentPrompt = QUESTION_ONLY,
        marks: ThinkingMarks = THINK,
    ) -> None:
        """Wrap `tokenizer`; error messages name `folder` as its origin.

        Raises:
            BadInputError: the tokenizer has no chat template, no thinking marks, or no end-of-sequence token.
        """
        self._tokenizer, self._folder, self._prompt, self._marks = tokenizer, folder, prompt, marks
        if not tokenizer.chat_template:
            raise self._refusal("has no chat template")
        if not knows_marks(tokenizer, prompt, marks):
            raise self._refusal(
                f"has {marks.closing.strip()} neither in its vocabulary nor in its chat template, so it does"
                " not belong to a reasoning model, and the recipe's prompt does not name the mark",
                "name the marks in the system text of a prompt file, and that file in the recipe"
                " (prompt_version: FILE), then train again",
            )
        end = end_of_turn(tokenizer, prompt)
        if end is None:
            raise self._refusal("has no end-of-sequence token (eos_token)")
        self.end: int = end
        """Id of the token that ends a response."""

    def check(self, rows: int, stops: Sequence[int]) -> None:
        """Check that this tokenizer fits the model.

        Args:
            rows: number of rows in the model's embedding.
            stops: ids at which sampling stops; empty if the model does not define any.

        Raises:
            BadInputError: some token ids exceed the embedding, or sampling does not stop at the token that
                ends a response.
        """
        largest = max(self._tokenizer.get_vocab().values())
        if largest >= rows:
            raise self._refusal(f"has ids up to {largest}, but the model's embedding has {rows} rows")
        if stops and self.end not in stops:
            raise self._refusal(
                f"ends a turn with id {self.end} ({self._tokenizer.convert_ids_to_tokens(self.end)}), but the"
                f" model's generation_config stops at {', '.join(map(str, stops))}: it would never learn to"
                f" stop. Add {self.end} to eos_token_id in generation_config.json, if the template is right"
            )

    def prompt(self, question: str) -> str:
        """Return the prompt for a question, as text."""
        return render_prompt(self._tokenizer, self._prompt, question)

    def encode(self, examples: Iterable[Example], max_length: int) -> tuple[list[Encoded], int]:
        """Return the examples of at most `max_length` tokens, in order, and the number of dropped ones.

        Raises:
            BadInputError: there are no examples, all are too long, one has an empty question or response,
                only some have an empty thinking, or a weight is not positive and finite.
        """
        encoded: list[Encoded] = []
        dropped = 0
        first: dict[bool, str] = {}  # an example with thinking, and one without
        for batch in chunked(examples, _BATCH):
            for example in batch:
                _check(example)
                first.setdefault(bool(example.thinking.strip()), example.example_id)
                if len(first) == 2:
                    problem = (
                        f"example {first[False]} has an empty thinking, and example {first[True]} has not"
                    )
                    raise _refusal(problem, _INSPECT)
            for example_tokens in self._encode(batch):
                if len(example_tokens.tokens) > max_length:
                    dropped += 1
                else:
                    encoded.append(example_tokens)
        if not encoded:
            problem = (
                f"all {dropped} examples are longer than {max_length} tokens" if dropped else "no examples"
            )
            raise _refusal(
                f"there is nothing to train on: {problem}",
                'raise max_length in the recipe, or inspect the corpus: drp sql "FROM examples"',
            )
        return encoded, dropped

    def _encode(self, examples: Sequence[Example]) -> Iterable[Encoded]:
        prompts = [self.prompt(example.question) for example in examples]
        answers = [
            self._opening(prompt) + self._marks.response_text(example.thinking, example.response)
            for prompt, example in zip(prompts, examples, strict=True)
        ]
        prompt_ids = self._ids(prompts)
        joint_ids = self._ids([prompt + answer for prompt, answer in zip(prompts, answers, strict=True)])
        for example, prompt, joint, answer in zip(examples, prompt_ids, joint_ids, answers, strict=True):
            # If the joint encoding starts with the prompt's ids, no token spans the boundary, and the rest is
            # the response. This also suits tokenizers that put a space before every text. Otherwise encode
            # the response separately.
            has_clean_boundary = joint[: len(prompt)] == prompt
            response = joint[len(prompt) :] if has_clean_boundary else self._ids([answer])[0]
            tokens = torch.tensor([*prompt, *response, self.end], dtype=torch.int32)
            yield Encoded(example.question_id, tokens, len(prompt), example.weight)

    def _opening(self, prompt: str) -> str:
        """Return what opens the thinking in the response. Templates of R1 distills open it in the prompt."""
        opening = self._marks.opening
        if not self._marks.is_opened_by(prompt):
            return opening
        is_bare = prompt.endswith(opening.strip())
        return opening[len(opening.rstrip()) :] if is_bare else ""

    def _ids(self, texts: list[str]) -> Any:
        return self._tokenizer(texts, add_special_tokens=False)["input_ids"]

    def _refusal(self, problem: str, next_command: str = _COPY) -> BadInputError:
        return _refusal(f"the tokenizer in {self._folder} {problem}", next_command)


def _check(example: Example) -> None:
    texts = {"question": example.question, "response": example.response}
    empty = [name for name, text in texts.items() if not text.strip()]
    if empty:
        raise _refusal(f"example {example.example_id} has an empty {' and '.join(empty)}", _INSPECT)
    if not (math.isfinite(example.weight) and example.weight > 0):
        raise _refusal(f"example {example.example_id} has the weight {example.weight}", _INSPECT)


_INSPECT = 'drp sql "FROM examples" to find the example, then fix the curation that wrote it'


def _refusal(problem: str, next_command: str) -> BadInputError:
    return BadInputError(problem, state="Nothing was trained", next_command=next_command)
