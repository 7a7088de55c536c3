"""Decoding of any model with the layers of transformers, in batches or one sample at a time.

    decoder = choose_decoder(model, stops=frozenset({2}), rows=96)

Needs torch. `choose_decoder` takes the fastest decoder that gives the logits of the model itself.
"""

import logging
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import torch
from transformers import DynamicCache, GenerationConfig

from drp.student.engines.decoder import Decoder, can_decode
from drp.student.engines.decoding import BatchedDecoder, Decoded, Request

_log = logging.getLogger(__name__)

_LENGTHS = (3, 9)
"""Lengths of the prompts that a decoder is tried with."""
_TOLERANCE = {torch.float32: 1e-3}
_ROUNDING = 0.3
"""How far logits may be off, as a share of their spread; the second in 16 bits."""


class _PaddedBatch(NamedTuple):
    cache: Any
    mask: list[torch.Tensor]
    """The single item: int64 [n, span], 1 for tokens and 0 for padding."""

    def keep(self, rows: torch.Tensor) -> None:
        self.cache.batch_select_indices(rows)
        self.mask[0] = self.mask[0][rows]


class CachedDecoder(BatchedDecoder):
    """Decodes any model whose layers accept an attention mask; shorter prompts are padded on the left."""

    def start(self, prompts: Sequence[Sequence[int]]) -> tuple[_PaddedBatch, torch.Tensor]:
        """Fill the cache of the library with the prompts (see `BatchedDecoder.start`)."""
        longest, device = max(map(len, prompts)), self._model.device
        tokens = torch.tensor(
            [[*[0] * (longest - len(prompt)), *prompt] for prompt in prompts], device=device
        )
        lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
        mask = (torch.arange(longest, device=device) >= (longest - lengths)[:, None]).long()
        state = _PaddedBatch(DynamicCache(config=self._model.config), [mask])
        return state, self._logits(state, tokens, (mask.cumsum(-1) - 1).clamp(min=0))

    def step(self, state: _PaddedBatch, tokens: torch.Tensor) -> torch.Tensor:
        """Append one token per row (see `BatchedDecoder.step`)."""
        positions = state.mask[0].sum(-1, keepdim=True)
        state.mask[0] = torch.cat([state.mask[0], torch.ones_like(positions)], -1)
        return self._logits(state, tokens[:, None], positions)

    def _logits(self, state: _PaddedBatch, tokens: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self._model(
            input_ids=tokens,
            attention_mask=state.mask[0],
            position_ids=positions,
            past_key_values=state.cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        return logits


class PlainDecoder:
    """Decodes any other model with transformers' own `generate`, one request at a time."""

    def __init__(self, model: Any, stops: frozenset[int]) -> None:
        """`stops` are the ids of stop tokens."""
        self._model, self._stops = model, stops

    def decode(self, requests: Sequence[Request], *, temperature: float, top_p: float) -> Iterator[Decoded]:
        """Yield the completion of each request, in order (see `Decoder.decode`)."""
        for index, request in enumerate(requests):
            torch.manual_seed(request.rng.getrandbits(63))
            prompt = torch.tensor([request.prompt], device=self._model.device)
            sampling: dict[str, Any] = {"do_sample": False}
            if temperature > 0:
                sampling = {"do_sample": True, "temperature": temperature, "top_p": top_p, "top_k": 0}
            config = GenerationConfig(
                max_new_tokens=request.max_tokens,
                eos_token_id=sorted(self._stops),
                pad_token_id=min(self._stops),
                **sampling,
            )
            with torch.inference_mode():
                (output,) = self._model.generate(
                    prompt, attention_mask=torch.ones_like(prompt), generation_config=config
                )
            request.written.extend(output[len(request.prompt) :].tolist())
            is_finished = request.written[-1] in self._stops
            if is_finished:
                request.written.pop()
            yield Decoded(index, request.written, is_finished)


AnyDecoder: TypeAlias = BatchedDecoder | PlainDecoder


def choose_decoder(model: Any, stops: frozenset[int], rows: int) -> AnyDecoder:
    """Return the fastest decoder that gives the logits of `model`, and log why faster ones do not."""
    kinds: list[type[BatchedDecoder]] = [CachedDecoder]
    if can_decode(model.config):
        kinds.insert(0, Decoder)
    for kind in kinds:
        fault, decoder = _fault(kind, model, stops, rows)
        if decoder:
            return decoder
        _log.warning("%s does not decode %s: %s", kind.__name__, model.config.model_type, fault)
    _log.warning("%s is decoded one sample at a time, which is slow", model.config.model_type)
    return PlainDecoder(model, stops)


def _fault(
    kind: type[BatchedDecoder], model: Any, stops: frozenset[int], rows: int
) -> tuple[str, BatchedDecoder | None]:
    """Try a decoder: read two prompts of unequal length, append a token to each, go on with one alone.

    Return what is wrong, or the decoder.
    """
    vocabulary = model.config.get_text_config().vocab_size
    prompts = [[(7 * place + 5) % vocabulary for place in range(length)] for length in _LENGTHS]
    try:
        with torch.inference_mode():
            decoder = kind(model, stops, rows)
            state, first = decoder.start(prompts)
            drawn = first.argmax(-1)
            second = decoder.step(state, drawn)
            state.keep(torch.tensor([1], device=model.device))
            last = second[1:].argmax(-1)
            third = decoder.step(state, last)
            whole = [[*prompts[0], int(drawn[0])], [*prompts[1], int(drawn[1]), int(last)]]
            right = [model(input_ids=torch.tensor([row], device=model.device)).logits[0] for row in whole]
            off = max(
                float((row.float() - expected.float()).abs().max() / expected.float().std())
                for row, expected in (
                    (first[0], right[0][-2]),
                    (second[0], right[0][-1]),
                    (first[1], right[1][-3]),
                    (second[1], right[1][-2]),
                    (third[0], right[1][-1]),
                )
            )
        if not off <= _TOLERANCE.get(model.dtype, _ROUNDING):
            return f"its logits are off by {off:.2g} of their spread", None
    except Exception as error:  # whatever an architecture does with it, there is a slower way
        return f"{type(error).__name__}: {error}", None
    return "", decoder
