"""Batched decoding of Qwen2- and Llama-like models: transformers' weights, a KV cache of our own.

    decoder = Decoder(model, stops=frozenset({2}))
    for decoded in decoder.decode(requests, temperature=0.6, top_p=0.95): ...

Needs torch. The cache is allocated ahead and grown by doubling; rows that are done leave it. Every row has
its positions to itself and draws from its own random generator, so that what it says does not depend on the
rows beside it, up to the rounding of a matrix product. Of a small model on a CPU this makes several times as
many tokens a second as `model.generate`.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import torch
from torch.nn import functional
from transformers import GenerationConfig

ARCHITECTURES = frozenset({"qwen2", "llama"})
"""Values of `config.model_type` that this can run."""
_STATIC_ROTATIONS = frozenset({"default", "linear", "llama3", "yarn"})
_AHEAD = 256  # positions that the cache has beyond the longest prompt
_NUCLEUS = 64  # tokens among which the nucleus is looked for first: it is hardly ever larger
_FEW_LEFT = 0.8  # share of a batch's rows; with fewer left it is made smaller


@dataclass
class Request:
    """A prompt, how many tokens may follow, and the generator that they are drawn with."""

    prompt: Sequence[int]
    max_tokens: int
    rng: random.Random
    written: list[int] = field(default_factory=list)


class Decoded(NamedTuple):
    """What was written after a prompt, without the stop token; `request` is the place of the request."""

    request: int
    tokens: list[int]
    is_finished: bool


class _Layer(NamedTuple):
    qkv: torch.Tensor
    qkv_bias: torch.Tensor | None
    output: Any
    gate_up: torch.Tensor
    gate_up_bias: torch.Tensor | None
    down: Any
    norm: Any
    mlp_norm: Any


_Turns: TypeAlias = tuple[torch.Tensor, torch.Tensor]
_Attend: TypeAlias = Callable[[int, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def can_decode(config: Any) -> bool:
    """Whether `Decoder` computes what a model of this configuration computes."""
    rope = getattr(config, "rope_parameters", None) or {}
    return (
        config.model_type in ARCHITECTURES
        and config.hidden_act == "silu"
        and set(getattr(config, "layer_types", None) or ["full_attention"]) == {"full_attention"}
        and rope.get("rope_type", "default") in _STATIC_ROTATIONS
    )


class Decoder:
    """Decodes with the weights of `model`, a `Qwen2ForCausalLM` or the like (`can_decode`)."""

    def __init__(self, model: Any, stops: frozenset[int], rows: int = 96) -> None:
        """`stops` are the ids that end a text; `rows` is how many are decoded side by side."""
        self._model, self._stops, self._rows = model, stops, rows
        with torch.inference_mode():
            self._layers = [_fused(layer) for layer in model.model.layers]

    def decode(self, requests: Sequence[Request], *, temperature: float, top_p: float) -> Iterator[Decoded]:
        """What the model writes for each request, in the order in which they end.

        A temperature of 0 takes the likeliest token; otherwise a token is drawn from the nucleus `top_p`.
        """
        for start in range(0, len(requests), self._rows):
            batch = list(enumerate(requests[start : start + self._rows], start))
            with torch.inference_mode():
                ended = list(self._batch(batch, temperature, top_p))
            yield from ended

    def _batch(
        self, asked: Sequence[tuple[int, Request]], temperature: float, top_p: float
    ) -> Iterator[Decoded]:
        rows: list[tuple[int, Request] | None] = list(asked)
        cache = _Cache(self._model, len(rows), max(len(request.prompt) for _, request in asked))
        logits = self._read([request.prompt for _, request in asked], cache)
        while True:
            uniforms = [row[1].rng.random() if row else 0.0 for row in rows]
            drawn = _choose(logits, uniforms, temperature, top_p)
            for place, (row, token) in enumerate(zip(rows, drawn.tolist(), strict=True)):
                if row is None:
                    continue
                index, request = row
                is_finished = token in self._stops
                if not is_finished:
                    request.written.append(token)
                if is_finished or len(request.written) == request.max_tokens:
                    rows[place] = None
                    yield Decoded(index, request.written, is_finished)
            left = [place for place, row in enumerate(rows) if row]
            if not left:
                return
            if len(left) < _FEW_LEFT * len(rows):  # moving the cache costs about as much as a step
                rows = [rows[place] for place in left]
                kept = torch.tensor(left, device=drawn.device)
                drawn = drawn[kept]
                cache.keep(kept)
            logits = self._step(drawn, cache)

    def _read(self, prompts: Sequence[Sequence[int]], cache: "_Cache") -> torch.Tensor:
        """Fill the cache with the prompts; logits [n, vocabulary] of what follows them."""
        longest = max(map(len, prompts))
        padded = [[*prompt, *[0] * (longest - len(prompt))] for prompt in prompts]
        tokens = torch.tensor(padded, device=cache.device)
        cache.lengths = torch.tensor([len(prompt) for prompt in prompts], device=cache.device)
        positions = torch.arange(longest, device=cache.device).expand(len(prompts), -1)

        def attend(layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
            # what stands behind a short prompt is written over before it can be seen
            cache.keys[layer][:, :, :longest], cache.values[layer][:, :, :longest] = key, value
            return _attention(query, key, value, is_causal=True)

        hidden = self._forward(tokens, cache.turns(positions), attend)
        return self._logits(hidden[torch.arange(len(prompts), device=cache.device), cache.lengths - 1])

    def _step(self, tokens: torch.Tensor, cache: "_Cache") -> torch.Tensor:
        """Append one token a row; logits [n, vocabulary] of what follows it."""
        span = cache.make_room()
        rows, at = torch.arange(len(tokens), device=cache.device), cache.lengths
        unseen = torch.arange(span, device=cache.device) > at[:, None]
        mask = torch.zeros(unseen.shape, dtype=cache.dtype, device=cache.device)
        mask = mask.masked_fill(unseen, float("-inf"))[:, None, None]

        def attend(layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
            keys, values = cache.keys[layer], cache.values[layer]
            keys[rows, :, at], values[rows, :, at] = key[:, :, 0], value[:, :, 0]
            return _attention(query, keys[:, :, :span], values[:, :, :span], attn_mask=mask)

        hidden = self._forward(tokens[:, None], cache.turns(at[:, None]), attend)
        cache.lengths = at + 1
        return self._logits(hidden[:, 0])

    def _forward(self, tokens: torch.Tensor, turns: _Turns, attend: _Attend) -> torch.Tensor:
        """Hidden states [n, s, width] of tokens [n, s]."""
        config, model = self._model.config, self._model.model
        heads, kv_heads = config.num_attention_heads, config.num_key_value_heads
        hidden = model.embed_tokens(tokens)
        for number, layer in enumerate(self._layers):
            mixed = functional.linear(_norm(hidden, layer.norm), layer.qkv, layer.qkv_bias)
            mixed = mixed.view(*tokens.shape, heads + 2 * kv_heads, -1).transpose(1, 2)
            query, key, value = mixed.split([heads, kv_heads, kv_heads], dim=1)
            seen = attend(number, _turned(query, turns), _turned(key, turns), value)
            hidden = hidden + layer.output(seen.transpose(1, 2).flatten(2))
            wide = functional.linear(_norm(hidden, layer.mlp_norm), layer.gate_up, layer.gate_up_bias)
            gate, up = wide.chunk(2, -1)
            hidden = hidden + layer.down(functional.silu(gate) * up)
        return hidden

    def _logits(self, hidden: torch.Tensor) -> torch.Tensor:
        return self._model.lm_head(_norm(hidden, self._model.model.norm))


class _Cache:
    """Keys and values [n, heads, span, width] of every layer, and how many positions each row has filled."""

    def __init__(self, model: Any, rows: int, longest: int) -> None:
        config = model.config
        width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        shape = (rows, config.num_key_value_heads, longest + _AHEAD, width)
        self.device, self.dtype = model.device, model.dtype
        self.keys, self.values = (
            [torch.zeros(shape, device=self.device, dtype=self.dtype) for _ in model.model.layers]
            for _ in range(2)
        )
        self.lengths = torch.zeros(rows, dtype=torch.long, device=self.device)
        self._rotary = model.model.rotary_emb
        self._table = self._turns_of(shape[2])

    def turns(self, positions: torch.Tensor) -> _Turns:
        """Cosines and sines [n, 1, s, width] of the rotary embedding at positions [n, s]."""
        cosines, sines = self._table
        return cosines[positions][:, None], sines[positions][:, None]

    def make_room(self) -> int:
        """Positions that the next step looks at; the cache is doubled when it is full."""
        span = int(self.lengths.max()) + 1
        room = self.keys[0].shape[2]
        if span > room:
            self.keys, self.values = (
                [functional.pad(part, (0, 0, 0, room)) for part in parts]
                for parts in (self.keys, self.values)
            )
            self._table = self._turns_of(2 * room)
        return span

    def keep(self, rows: torch.Tensor) -> None:
        """Forget all rows but these."""
        self.lengths = self.lengths[rows]
        self.keys, self.values = ([part[rows] for part in parts] for parts in (self.keys, self.values))

    def _turns_of(self, count: int) -> _Turns:
        like = torch.zeros(1, device=self.device, dtype=self.dtype)
        cosines, sines = self._rotary(like, torch.arange(count, device=self.device)[None])
        return cosines[0], sines[0]


def _fused(layer: Any) -> _Layer:
    attention, mlp = layer.self_attn, layer.mlp

    def together(*parts: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
        weight = torch.cat([part.weight for part in parts])
        return weight, None if parts[0].bias is None else torch.cat([part.bias for part in parts])

    return _Layer(
        *together(attention.q_proj, attention.k_proj, attention.v_proj),
        attention.o_proj,
        *together(mlp.gate_proj, mlp.up_proj),
        mlp.down_proj,
        layer.input_layernorm,
        layer.post_attention_layernorm,
    )


def _norm(hidden: torch.Tensor, norm: Any) -> torch.Tensor:
    return functional.rms_norm(hidden, (hidden.shape[-1],), norm.weight, norm.variance_epsilon)


def _turned(heads: torch.Tensor, turns: _Turns) -> torch.Tensor:
    """Queries or keys [n, heads, s, width] with their positions in them."""
    cosines, sines = turns
    first, second = heads.chunk(2, -1)
    return heads * cosines + torch.cat([-second, first], -1) * sines


def _attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, **how: Any) -> torch.Tensor:
    grouped = query.shape[1] != key.shape[1]
    return functional.scaled_dot_product_attention(query, key, value, enable_gqa=grouped, **how)


def _choose(
    logits: torch.Tensor, uniforms: Sequence[float], temperature: float, top_p: float
) -> torch.Tensor:
    """One token a row, [n] from [n, vocabulary]: the inverse of the distribution function at `uniforms`."""
    if temperature == 0:
        return logits.argmax(-1)
    shares = torch.softmax(logits.float() / temperature, -1)
    likely, tokens = shares.topk(min(_NUCLEUS, shares.shape[-1]))
    if bool((likely.double().sum(-1) < top_p).any()):
        likely, tokens = shares.sort(descending=True)
    likely = likely.double()
    before = likely.cumsum(-1) - likely
    likely = likely.masked_fill(before >= top_p, 0)
    reached = likely.cumsum(-1)
    wanted = torch.tensor(uniforms, dtype=reached.dtype, device=reached.device) * reached[:, -1]
    place = (reached <= wanted[:, None]).sum(-1).clamp(max=likely.shape[-1] - 1)
    return tokens.gather(-1, place[:, None])[:, 0]


class PlainDecoder:
    """The same with transformers' own `generate`, for all other models: one request at a time."""

    def __init__(self, model: Any, stops: frozenset[int]) -> None:
        """`stops` are the ids that end a text."""
        self._model, self._stops = model, stops

    def decode(self, requests: Sequence[Request], *, temperature: float, top_p: float) -> Iterator[Decoded]:
        """What the model writes for each request, in their order (see `Decoder.decode`)."""
        for index, request in enumerate(requests):
            torch.manual_seed(request.rng.getrandbits(63))
            prompt = torch.tensor([request.prompt], device=self._model.device)
            drawing: dict[str, Any] = {"do_sample": False}
            if temperature > 0:
                drawing = {"do_sample": True, "temperature": temperature, "top_p": top_p, "top_k": 0}
            how = GenerationConfig(
                max_new_tokens=request.max_tokens,
                eos_token_id=sorted(self._stops),
                pad_token_id=min(self._stops),
                **drawing,
            )
            with torch.inference_mode():
                (text,) = self._model.generate(
                    prompt, attention_mask=torch.ones_like(prompt), generation_config=how
                )
            request.written.extend(text[len(request.prompt) :].tolist())
            is_finished = request.written[-1] in self._stops
            if is_finished:
                request.written.pop()
            yield Decoded(index, request.written, is_finished)
