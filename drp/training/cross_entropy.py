"""The loss of the objective `sft`: maps a batch to its summed cross-entropy (paper, section 3.3).

The output head runs only on the hidden states that predict a response token, a bounded number at a time. With
a vocabulary of 150,000 the logits of one long response would need more memory than everything else together.
"""

from typing import Any

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from drp.training.sequence_packing import TensorBatch

MAX_LOGITS = 1 << 26
"""Logits held at a time: 256 MiB in float32. Larger batches are split and recomputed in the backward pass."""


class SftLoss(torch.nn.Module):  # type: ignore[misc] # torch has no types here
    """Weighted sum of the cross-entropy of a causal language model's target tokens, in nats."""

    def __init__(self, model: Any, precision: torch.dtype) -> None:
        """Wrap a transformers model, with any adapters inserted; matrix products run in `precision`."""
        super().__init__()
        self.model = model
        self._precision = precision

    def forward(self, batch: TensorBatch) -> torch.Tensor:
        """Return the summed loss, a float32 scalar."""
        decoder = self.model.get_decoder()
        is_mixed = self._precision != torch.float32
        with torch.autocast(batch.tokens.device.type, self._precision, enabled=is_mixed):
            hidden = decoder(
                input_ids=batch.tokens, position_ids=batch.positions, use_cache=False
            ).last_hidden_state
            hidden = hidden.flatten(0, 1)[batch.loss_positions]
            size = max(1, MAX_LOGITS // self.model.config.get_text_config().vocab_size)
            if len(hidden) <= size:
                return _summed_loss(self.model, hidden, batch.targets, batch.weights)
            parts = zip(hidden.split(size), batch.targets.split(size), batch.weights.split(size), strict=True)
            return torch.stack(
                [checkpoint(_summed_loss, self.model, *part, use_reentrant=False) for part in parts]
            ).sum()


def head_logits(model: Any, hidden: torch.Tensor) -> torch.Tensor:
    """Return the logits [..., vocabulary] of hidden states [..., width].

    Some architectures change the output of the head: Gemma 2 caps it, Granite divides it, Cohere and
    Falcon-H1 multiply it.
    """
    config, logits = model.config.get_text_config(), model.get_output_embeddings()(hidden)
    logits = logits / (getattr(config, "logits_scaling", None) or 1)
    for factor in ("logit_scale", "lm_head_multiplier"):
        logits = logits * getattr(config, factor, 1)
    if cap := getattr(config, "final_logit_softcapping", None):
        logits = torch.tanh(logits / cap) * cap
    return logits


def _summed_loss(
    model: Any, hidden: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    losses = functional.cross_entropy(head_logits(model, hidden).float(), targets, reduction="none")
    return (losses * weights).sum()
