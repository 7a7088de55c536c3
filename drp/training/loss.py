"""The objective `sft` as a module: a batch in, its summed loss out (paper, section 3.3).

The head sees only the hidden states whose successor is taught, a bounded number at a time: with a vocabulary
of 150,000 the logits of one long response would be larger than everything else together.
"""

from typing import Any

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from drp.training.packing import TensorBatch

LOGITS = 1 << 26
"""Logits that are held at once: 256 MiB in 32 bits. Those of more are computed a second time going back."""


class SftLoss(torch.nn.Module):  # type: ignore[misc] # torch has no types here
    """Cross-entropy in nats of what a causal language model is to write, summed with its weights."""

    def __init__(self, model: Any, precision: torch.dtype) -> None:
        """`model` is transformers' own, adapters inside; `precision` is that of matrix products."""
        super().__init__()
        self.model = model
        self._precision = precision

    def forward(self, batch: TensorBatch) -> torch.Tensor:
        """The sum, float32 []."""
        decoder, head = self.model.get_decoder(), self.model.get_output_embeddings()
        is_mixed = self._precision != torch.float32
        with torch.autocast(batch.tokens.device.type, self._precision, enabled=is_mixed):
            hidden = decoder(
                input_ids=batch.tokens, position_ids=batch.positions, use_cache=False
            ).last_hidden_state
            hidden = hidden.flatten(0, 1)[batch.taught]
            size = max(1, LOGITS // self.model.config.vocab_size)
            if len(hidden) <= size:
                return _summed(head, hidden, batch.wanted, batch.weights)
            parts = zip(hidden.split(size), batch.wanted.split(size), batch.weights.split(size), strict=True)
            return torch.stack(
                [checkpoint(_summed, head, *part, use_reentrant=False) for part in parts]
            ).sum()


def _summed(head: Any, hidden: torch.Tensor, wanted: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    losses = functional.cross_entropy(head(hidden).float(), wanted, reduction="none")
    return (losses * weights).sum()
