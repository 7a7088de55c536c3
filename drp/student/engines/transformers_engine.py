"""Rollout engine `transformers`: any causal language model in a folder, here and now, without a server.

    for rollout in TransformersEngine(student).sample(wanted): ...

Needs torch and transformers: only the training environment imports it. Qwen2- and Llama-like models are
decoded in batches by `drp.student.engines.decoder`, all others by transformers' own `generate`, one sample
after the other. On CPUs it computes in 32 bits, whatever the weights are stored in.
"""

import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

from drp.core import Rollout, batched
from drp.student.engines.decoder import Decoder, PlainDecoder, Request, can_decode
from drp.student.engines.dialogue import Asked, Dialogue, unreadable
from drp.student.protocol import SampleRequest, Student
from drp.student.response import sample_key

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
        self._dialogue = Dialogue(student, self.name)
        cuda = torch.cuda.is_available()
        try:
            model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto" if cuda else torch.float32)
        except (OSError, ValueError, KeyError) as error:
            raise unreadable(folder, error) from error
        self._model = model.to("cuda" if cuda else "cpu").eval()
        stops = self._dialogue.stops
        self._decoder = (
            Decoder(self._model, stops, self._rows())
            if can_decode(model.config)
            else PlainDecoder(self._model, stops)
        )

    def sample(self, wanted: Iterable[SampleRequest]) -> Iterator[Rollout]:
        """The rollouts that are wanted, as they land.

        Raises:
            BadInputError: a question fills the model's context, so that nothing could follow it.
        """
        sampling = self._student.sampling
        for batch in batched(wanted, ROWS):
            asked = [self._dialogue.ask(sample.question) for sample in batch]
            requests = list(map(self._request, batch, asked))
            for request, tokens, is_finished in self._decoder.decode(
                requests, temperature=sampling.temperature, top_p=sampling.top_p
            ):
                yield self._dialogue.rollout(batch[request], asked[request], tokens, is_finished=is_finished)

    def _request(self, sample: SampleRequest, asked: Asked) -> Request:
        chance = random.Random(sample_key(self._student, sample))  # noqa: S311
        return Request(asked.tokens, asked.room, chance)

    def _rows(self) -> int:
        config = self._model.config
        width = config.hidden_size // config.num_attention_heads * config.num_key_value_heads
        longest = min(self._dialogue.context, 2 * self._student.sampling.max_tokens)
        row: int = 2 * config.num_hidden_layers * width * longest * self._model.dtype.itemsize
        return max(1, min(ROWS, _CACHE_BYTES // row))
