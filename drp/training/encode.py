"""Examples as tokens: the prompt as the rollout engine sends it, then what the student is to write after it.

    encoder = Encoder(AutoTokenizer.from_pretrained(folder), folder)
    encoded, dropped = encoder.encode(examples, max_length=4096)

The prompt is encoded alone, as when the student is asked (drp/student/engines/dialogue.py), and what
follows goes on from there: no token spans the seam. Only what follows is taught, up to and with the end mark.
"""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import PreTrainedTokenizerBase

from drp.core import BadInputError, batched
from drp.curation import Example
from drp.traces import THINK, THOUGHT, response_text

_AT_ONCE = 256  # examples that are tokenised together


class Encoded(NamedTuple):
    """One example: int32 tokens [n], of which the first `prompt` are only read."""

    question_id: str
    tokens: torch.Tensor
    prompt: int
    weight: float

    @property
    def taught(self) -> int:
        """Tokens that the loss is taken over."""
        return len(self.tokens) - self.prompt


class Encoder:
    """Encodes with the tokenizer of the base model."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
        """`folder` is where the tokenizer comes from, for messages.

        Raises:
            BadInputError: it has no chat template, knows nothing of thinking, or has no end mark.
        """
        self._tokenizer, self._folder = tokenizer, folder
        template = str(tokenizer.chat_template or "")
        if not template:
            raise self._refusal("has no chat template")
        if THOUGHT not in template and THOUGHT not in tokenizer.get_vocab():
            raise self._refusal(
                f"knows no {THOUGHT}, neither in its vocabulary nor in its template: it is of no reasoning"
                " model"
            )
        if tokenizer.eos_token_id is None:
            raise self._refusal("has no end mark (eos_token)")

    def check(self, rows: int, stops: Sequence[int]) -> None:
        """Refuse a model that this tokenizer is not of.

        Args:
            rows: rows of the model's embedding.
            stops: ids that end a text when the model is sampled; empty if it does not say.

        Raises:
            BadInputError: it makes ids that the embedding has not got, or ends texts with another mark.
        """
        largest = max(self._tokenizer.get_vocab().values())
        if largest >= rows:
            raise self._refusal(f"makes ids up to {largest}, and the model's embedding has {rows} rows")
        end = self._tokenizer.eos_token_id
        if stops and end not in stops:
            raise self._refusal(
                f"ends a text with id {end} ({self._tokenizer.eos_token}), and the model's generation_config"
                f" stops at {', '.join(map(str, stops))}: it would never learn to stop"
            )

    def prompt(self, question: str) -> str:
        """What the student is asked, as text."""
        messages = [{"role": "user", "content": question}]
        return str(self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    def encode(self, examples: Iterable[Example], max_length: int) -> tuple[list[Encoded], int]:
        """Examples of at most `max_length` tokens, in order, and the number of longer ones.

        Raises:
            BadInputError: there are no examples, some are empty or weigh nothing, or all are too long.
        """
        encoded: list[Encoded] = []
        dropped = 0
        for batch in batched(examples, _AT_ONCE):
            for example in batch:
                _check(example)
            for one in self._encode(batch):
                if len(one.tokens) > max_length:
                    dropped += 1
                else:
                    encoded.append(one)
        if not encoded:
            problem = (
                f"all {dropped} examples are longer than {max_length} tokens" if dropped else "no examples"
            )
            raise _refusal(
                f"there is nothing to train on: {problem}",
                'raise max_length in the recipe, or drp sql "FROM examples" to see what the corpus has',
            )
        return encoded, dropped

    def _encode(self, examples: Sequence[Example]) -> Iterable[Encoded]:
        prompts = [self.prompt(example.question) for example in examples]
        answers = [
            _opening(prompt) + response_text(example.thinking, example.response)
            for prompt, example in zip(prompts, examples, strict=True)
        ]
        read = self._ids(prompts)
        whole = self._ids([prompt + answer for prompt, answer in zip(prompts, answers, strict=True)])
        for example, prompt, both, answer in zip(examples, read, whole, answers, strict=True):
            # A token across the seam would change the prompt. Where none does, the tail of the whole is right
            # also for tokenizers that begin every text with a blank.
            is_seamless = both[: len(prompt)] == prompt
            written = both[len(prompt) :] if is_seamless else self._ids([answer])[0]
            tokens = torch.tensor([*prompt, *written, self._tokenizer.eos_token_id], dtype=torch.int32)
            yield Encoded(example.question_id, tokens, len(prompt), example.weight)

    def _ids(self, texts: list[str]) -> Any:
        return self._tokenizer(texts, add_special_tokens=False)["input_ids"]

    def _refusal(self, problem: str) -> BadInputError:
        return _refusal(
            f"the tokenizer in {self._folder} {problem}",
            "put the tokenizer of the model there, with its chat template; then train again",
        )


def _opening(prompt: str) -> str:
    """What the student writes before its thinking: templates of R1 distills open it in the prompt."""
    if prompt.endswith(THINK):
        return "\n"
    return "" if prompt.rstrip().endswith(THINK) else f"{THINK}\n"


def _check(example: Example) -> None:
    texts = {"question": example.question, "thinking": example.thinking, "response": example.response}
    empty = [name for name, text in texts.items() if not text.strip()]
    if empty:
        raise _refusal(f"example {example.example_id} has an empty {' and '.join(empty)}", _LOOK)
    if not (math.isfinite(example.weight) and example.weight > 0):
        raise _refusal(f"example {example.example_id} has the weight {example.weight}", _LOOK)


_LOOK = 'drp sql "FROM examples", then mend the stage that wrote it'


def _refusal(problem: str, next_command: str) -> BadInputError:
    return BadInputError(problem, state="Nothing was trained", next_command=next_command)
