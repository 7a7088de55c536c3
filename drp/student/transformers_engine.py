"""Rollout engine `transformers`: any causal language model in a folder, here and now, without a server.

    for rollout in TransformersEngine(student).sample(wanted): ...

Needs torch and transformers: only the training environment imports it. Qwen2- and Llama-like models are
decoded in batches by `drp.student.decoder`, all others by transformers' own `generate`, one sample after the
other. On CPUs it computes in 32 bits, whatever the weights are stored in.
"""

import random
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from drp.batches import batched
from drp.errors import BadInputError
from drp.ids import content_id, sampled_rollout_id
from drp.records import Question, Rollout
from drp.student.decoder import Decoded, Decoder, PlainDecoder, Request, can_decode
from drp.student.prompts import prompt
from drp.student.protocol import Sample, Student
from drp.student.tokens import THINK, THOUGHT, Lengths

ROWS = 96
"""Samples that are decoded side by side, memory permitting."""
_CACHE_BYTES = 4 * 2**30  # that their keys and values may take


class TransformersEngine:
    """Deterministic: question, sampling seed and sample index decide what a rollout says."""

    name = "transformers"

    def __init__(self, student: Student) -> None:
        """The folder `student.model` has config, weights, and a tokenizer with a chat template.

        Raises:
            BadInputError: they cannot be read.
        """
        self._student, folder = student, Path(student.model)
        cuda = torch.cuda.is_available()
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder)
            model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto" if cuda else torch.float32)
        except (OSError, ValueError, KeyError) as error:
            raise self._refusal(
                f"{folder} is no language model that transformers can read: {error}"
            ) from error
        if not self._tokenizer.chat_template:
            raise self._refusal(f"the tokenizer in {folder} has no chat template")
        self._model = model.to("cuda" if cuda else "cpu").eval()
        self._context = int(model.config.max_position_embeddings)
        stops = model.generation_config.eos_token_id
        if stops is None:
            stops = self._tokenizer.eos_token_id
        self._stops = frozenset(stops if isinstance(stops, list) else [stops])
        self._decoder = (
            Decoder(self._model, self._stops, self._rows())
            if can_decode(model.config)
            else PlainDecoder(self._model, self._stops)
        )
        self._counter = Lengths(folder).name

    def sample(self, wanted: Iterable[Sample]) -> Iterator[Rollout]:
        """The rollouts that are wanted, as they land.

        Raises:
            BadInputError: a question fills the model's context, so that nothing could follow it.
        """
        sampling = self._student.sampling
        for batch in batched(wanted, ROWS):
            prompts = {question.question_id: self._prompt(question) for question, _ in batch}
            requests = [
                self._request(question, index, prompts[question.question_id][1]) for question, index in batch
            ]
            for decoded in self._decoder.decode(
                requests, temperature=sampling.temperature, top_p=sampling.top_p
            ):
                question, index = batch[decoded.request]
                is_open = prompts[question.question_id][0].rstrip().endswith(THINK)
                yield self._rollout(question, index, decoded, is_open)

    def _prompt(self, question: Question) -> tuple[str, list[int]]:
        """The question as the student is asked, as text and as tokens."""
        asked = prompt(self._student.prompt_version, question.question)
        messages = [{"role": "user", "content": asked}]
        text = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        tokens = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        if len(tokens) >= self._context:
            raise self._refusal(
                f"question {question.question_id} has {len(tokens)} tokens, and the context of"
                f" {self._student.name} {self._context}"
            )
        return text, tokens

    def _request(self, question: Question, index: int, prompt: list[int]) -> Request:
        sampling = self._student.sampling
        key = content_id("sample", question.question_id, sampling.seed, index)
        room = min(sampling.max_tokens, self._context - len(prompt))
        return Request(prompt, room, random.Random(key))  # noqa: S311

    def _rollout(self, question: Question, index: int, decoded: Decoded, is_open: bool) -> Rollout:
        thinking, response, think_tokens = self._split(decoded.tokens, is_open)
        student = self._student
        return Rollout(
            rollout_id=sampled_rollout_id(
                question.question_id,
                student.name,
                student.prompt_version,
                student.sampling.identity,
                index,
            ),
            question_id=question.question_id,
            student=student.name,
            engine=self.name,
            prompt_version=student.prompt_version,
            sample_index=index,
            seed=student.sampling.seed,
            thinking=thinking,
            response=response,
            finish_reason="stop" if decoded.is_finished else "length",
            think_tokens=think_tokens,
            total_tokens=len(decoded.tokens),
            token_counter=self._counter,
        )

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

    def _rows(self) -> int:
        config = self._model.config
        width = config.hidden_size // config.num_attention_heads * config.num_key_value_heads
        longest = min(self._context, 2 * self._student.sampling.max_tokens)
        row: int = 2 * config.num_hidden_layers * width * longest * self._model.dtype.itemsize
        return max(1, min(ROWS, _CACHE_BYTES // row))

    def _refusal(self, problem: str) -> BadInputError:
        return BadInputError(
            problem,
            state="What was rolled out before it is kept",
            next_command="drp nightly --recipe drp, or set DRP_STUDENT to another student",
        )
