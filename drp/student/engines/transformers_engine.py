"""Rollout engine `transformers`: any causal language model in a folder, run in this process without a server.

    for rollout in TransformersEngine(student).sample(samples): ...

Needs torch and transformers, so only the training environment imports it. Qwen2- and Llama-like models are
decoded by `drp.student.engines.decoder`, others with the layers of transformers, in batches if the
architecture allows it (`choose_decoder`). On CPUs it computes in 32 bits, regardless of the precision of the
stored weights.
"""

import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from more_itertools import chunked
from transformers import AutoModelForCausalLM

from drp.core import Rollout
from drp.student.engines.chat_prompt import Dialogue, EncodedPrompt, unreadable_model
from drp.student.engines.decoding import Request
from drp.student.engines.library_decoders import choose_decoder
from drp.student.protocol import SampleRequest, Student
from drp.student.response import sample_key

ROWS = 96
"""Maximum number of samples that are decoded in parallel, if memory allows it."""
_CACHE_BYTES = 4 * 2**30  # memory limit of their keys and values


class TransformersEngine:
    """Deterministic: question, sampling seed and sample index determine a rollout."""

    name = "transformers"

    def __init__(self, student: Student) -> None:
        """Load config, weights, and a tokenizer with a chat template from the folder `student.model`.

        Raises:
            BadInputError: they cannot be read.
        """
        self._student = student
        folder = Path(student.model)
        self._dialogue = Dialogue(student, self.name)
        cuda = torch.cuda.is_available()
        try:
            model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto" if cuda else torch.float32)
        except (OSError, ValueError, KeyError) as error:
            raise unreadable_model(folder, error) from error
        self._model = model.to("cuda" if cuda else "cpu").eval()
        stops = self._dialogue.stops
        self._decoder = choose_decoder(self._model, stops, self._rows())

    def sample(self, samples: Iterable[SampleRequest]) -> Iterator[Rollout]:
        """Yield the requested rollouts as they are completed.

        Raises:
            BadInputError: a prompt fills the model's context and leaves no room for a response.
        """
        sampling = self._student.sampling
        for batch in chunked(samples, ROWS):
            prompts = [self._dialogue.encode_prompt(sample.question) for sample in batch]
            requests = list(map(self._request, batch, prompts))
            for index, tokens, is_finished in self._decoder.decode(
                requests, temperature=sampling.temperature, top_p=sampling.top_p
            ):
                yield self._dialogue.rollout(batch[index], prompts[index], tokens, is_finished=is_finished)

    def _request(self, sample: SampleRequest, encoded: EncodedPrompt) -> Request:
        rng = random.Random(sample_key(self._student, sample))  # noqa: S311
        return Request(encoded.tokens, encoded.max_tokens, rng)

    def _rows(self) -> int:
        config = self._model.config.get_text_config()
        heads = config.num_attention_heads
        width = config.hidden_size // heads * getattr(config, "num_key_value_heads", heads)
        longest = min(self._dialogue.context, 2 * self._student.sampling.max_tokens)
        row: int = 2 * config.num_hidden_layers * width * longest * self._model.dtype.itemsize
        return max(1, min(ROWS, _CACHE_BYTES // row))
