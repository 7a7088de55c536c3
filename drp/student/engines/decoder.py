"""Batched decoding of Qwen2- and Llama-like models with the weights of transformers and a custom KV cache.

    decoder = Decoder(model, stops=frozenset({2}))
    for decoded in decoder.decode(requests, temperature=0.6, top_p=0.95): ...

Needs torch. The cache is allocated ahead and grows by doubling; completed rows are removed from it. Every row
has its own positions. With a small model on a CPU this generates several times as many tokens per second as
`model.generate`.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import torch
from torch.nn import functional

from drp.student.engines.decoding import BatchedDecoder

ARCHITECTURES = frozenset({"qwen2", "llama"})
"""Supported values of `config.model_type`."""
_STATIC_ROTATIONS = frozenset({"default", "linear", "llama3", "yarn"})
_AHEAD = 256  # positions that the cache initially has beyond the longest prompt


class _Layer(NamedTuple):
    qkv: torch.Tensor
    qkv_bias: torch.Tensor | None
    output: Any
    gate_up: torch.Tensor
    gate_up_bias: torch.Tensor | None
    down: Any
    norm: Any
    mlp_norm: Any


_Rotation: TypeAlias = tuple[torch.Tensor, torch.Tensor]
_Attend: TypeAlias = Callable[[int, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def can_decode(config: Any) -> bool:
    """Return whether `Decoder` supports models with this configuration."""
    rope = getattr(config, "rope_parameters", None) or {}
    return (
        config.model_type in ARCHITECTURES
        and config.hidden_act == "silu"
        and set(getattr(config, "layer_types", None) or ["full_attention"]) == {"full_attention"}
        and rope.get("rope_type", "default") in _STATIC_ROTATIONS
    )


class Decoder(BatchedDecoder):
    """Decodes with the weights of `model`, a `Qwen2ForCausalLM` or similar model (see `can_decode`)."""

    def __init__(self, model: Any, stops: frozenset[int], rows: int = 96) -> None:
        """See `BatchedDecoder`."""
        super().__init__(model, stops, rows)
        with torch.inference_mode():
            self._layers = [_fused(layer) for layer in model.model.layers]

    def start(self, prompts: Sequence[Sequence[int]]) -> tuple["_Cache", torch.Tensor]:
        """Fill a cache with the prompts (see `BatchedDecoder.start`)."""
        longest = max(map(len, prompts))
        cache = _Cache(self._model, len(prompts), longest)
        padded = [[*prompt, *[0] * (longest - len(prompt))] for prompt in prompts]
        tokens = torch.tensor(padded, device=cache.device)
        cache.lengths = torch.tensor([len(prompt) for prompt in prompts], device=cache.device)
        positions = torch.arange(longest, device=cache.device).expand(len(prompts), -1)

        def attend(layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
            # padding after a short prompt is overwritten before it is attended to
            cache.keys[layer][:, :, :longest], cache.values[layer][:, :, :longest] = key, value
            return _attention(query, key, value, is_causal=True)

        hidden = self._forward(tokens, cache.rotation(positions), attend)
        last = hidden[torch.arange(len(prompts), device=cache.device), cache.lengths - 1]
        return cache, self._logits(last)

    def step(self, state: "_Cache", tokens: torch.Tensor) -> torch.Tensor:
        """Append one token per row (see `BatchedDecoder.step`)."""
        cache, span = state, state.make_room()
        rows, at = torch.arange(len(tokens), device=cache.device), cache.lengths
        unseen = torch.arange(span, device=cache.device) > at[:, None]
        mask = torch.zeros(unseen.shape, dtype=cache.dtype, device=cache.device)
        mask = mask.masked_fill(unseen, float("-inf"))[:, None, None]

        def attend(layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
            keys, values = cache.keys[layer], cache.values[layer]
            keys[rows, :, at], values[rows, :, at] = key[:, :, 0], value[:, :, 0]
            return _attention(query, keys[:, :, :span], values[:, :, :span], attn_mask=mask)

        hidden = self._forward(tokens[:, None], cache.rotation(at[:, None]), attend)
        cache.lengths = at + 1
        return self._logits(hidden[:, 0])

    def _forward(self, tokens: torch.Tensor, rotation: _Rotation, attend: _Attend) -> torch.Tensor:
        """Return the hidden states [n, s, width] of tokens [n, s]."""
        config, model = self._model.config, self._model.model
        heads, kv_heads = config.num_attention_heads, config.num_key_value_heads
        hidden = model.embed_tokens(tokens)
        for number, layer in enumerate(self._layers):
            mixed = functional.linear(_norm(hidden, layer.norm), layer.qkv, layer.qkv_bias)
            mixed = mixed.view(*tokens.shape, heads + 2 * kv_heads, -1).transpose(1, 2)
            query, key, value = mixed.split([heads, kv_heads, kv_heads], dim=1)
            attended = attend(number, _rotated(query, rotation), _rotated(key, rotation), value)
            hidden = hidden + layer.output(attended.transpose(1, 2).flatten(2))
            wide = functional.linear(_norm(hidden, layer.mlp_norm), layer.gate_up, layer.gate_up_bias)
            gate, up = wide.chunk(2, -1)
            hidden = hidden + layer.down(functional.silu(gate) * up)
        return hidden

    def _logits(self, hidden: torch.Tensor) -> torch.Tensor:
        return self._model.lm_head(_norm(hidden, self._model.model.norm))


class _Cache:
    """Keys and values [n, heads, span, width] of every layer, and the number of positions filled per row."""

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
        self._rotations = self._rotation_table(shape[2])

    def rotation(self, positions: torch.Tensor) -> _Rotation:
        """Return cosines and sines [n, 1, s, width] of the rotary embedding at positions [n, s]."""
        cosines, sines = self._rotations
        return cosines[positions][:, None], sines[positions][:, None]

    def make_room(self) -> int:
        """Return the number of positions that the next step attends to; double the cache if it is full."""
        span = int(self.lengths.max()) + 1
        capacity = self.keys[0].shape[2]
        if span > capacity:
            self.keys, self.values = (
                [functional.pad(part, (0, 0, 0, capacity)) for part in parts]
                for parts in (self.keys, self.values)
            )
            self._rotations = self._rotation_table(2 * capacity)
        return span

    def keep(self, rows: torch.Tensor) -> None:
        """Remove all rows except these."""
        self.lengths = self.lengths[rows]
        self.keys, self.values = ([part[rows] for part in parts] for parts in (self.keys, self.values))

    def _rotation_table(self, count: int) -> _Rotation:
        like = torch.zeros(1, device=self.device, dtype=self.dtype)
        cosines, sines = self._rotary(like, torch.arange(count, device=self.device)[None])
        return cosines[0], sines[0]


def _fused(layer: Any) -> _Layer:
    attention, mlp = layer.self_attn, layer.mlp

    def concatenated(*parts: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
        weight = torch.cat([part.weight for part in parts])
        return weight, None if parts[0].bias is None else torch.cat([part.bias for part in parts])

    return _Layer(
        *concatenated(attention.q_proj, attention.k_proj, attention.v_proj),
        attention.o_proj,
        *concatenated(mlp.gate_proj, mlp.up_proj),
        mlp.down_proj,
        layer.input_layernorm,
        layer.post_attention_layernorm,
    )


def _norm(hidden: torch.Tensor, norm: Any) -> torch.Tensor:
    return functional.rms_norm(hidden, (hidden.shape[-1],), norm.weight, norm.variance_epsilon)


def _rotated(heads: torch.Tensor, rotation: _Rotation) -> torch.Tensor:
    """Apply the rotary embedding to queries or keys [n, heads, s, width]."""
    cosines, sines = rotation
    first, second = heads.chunk(2, -1)
    return heads * cosines + torch.cat([-second, first], -1) * sines


def _attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, **kwargs: Any) -> torch.Tensor:
    grouped = query.shape[1] != key.shape[1]
    return functional.scaled_dot_product_attention(query, key, value, enable_gqa=grouped, **kwargs)
