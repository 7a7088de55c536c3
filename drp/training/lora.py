"""LoRA adapters (Hu et al. 2021): PEFT's, with a fused forward and backward pass per layer.

PEFT computes `W x + (alpha / rank) B A x` as five operations. Three of them run over an output of the layer's
full width and keep one such output for the backward pass. Here the adapter adds to the output of `W` in
place, and the rank-`r` products have the shape [r, tokens], which a CPU multiplies several times as fast
(benchmarks/sft).
"""

from functools import partial
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import Linear
from torch.nn import functional

from drp.config import Sft
from drp.core import BadInputError


def add_adapters(model: Any, settings: Sft) -> PeftModel:
    """Insert adapters into `model` and freeze its other weights.

    Raises:
        BadInputError: no module of the model matches `lora.target_modules`.
    """
    lora, targets = settings.lora, settings.lora.target_modules
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=targets if isinstance(targets, str) else list(targets),
        task_type="CAUSAL_LM",
    )
    try:
        adapted = get_peft_model(model, config)
    except ValueError as error:
        raise BadInputError(
            f"no adapters could be added to the model: {error}",
            state="Nothing was trained",
            next_command="correct lora.target_modules in the recipe, then train again",
        ) from error
    # With dropout the adapter's input differs from the layer's. ZeRO-3 gathers the weights of the inner
    # modules only while their own forward runs.
    if not lora.dropout and settings.deepspeed != "zero3":
        for layer in model.modules():
            if type(layer) is Linear and type(layer.base_layer) is torch.nn.Linear:
                layer.forward = partial(_forward, layer)
    return adapted


def _forward(layer: Any, inputs: torch.Tensor) -> torch.Tensor:
    base, (adapter,) = layer.base_layer, layer.active_adapters
    down, up = layer.lora_A[adapter].weight, layer.lora_B[adapter].weight
    precision = base.weight.dtype  # frozen weights are stored in the precision of the matrix products
    adapted: torch.Tensor = _FusedAdapter.apply(
        inputs.to(precision),
        base.weight,
        base.bias,
        down.to(precision),
        up.to(precision),
        layer.scaling[adapter],
    )
    return adapted


class _FusedAdapter(torch.autograd.Function):  # type: ignore[misc] # torch has no types here
    """`inputs @ (weight + scale * up @ down).T + bias`, with gradients for inputs, down and up."""

    @staticmethod
    def forward(
        ctx: Any,
        inputs: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        down: torch.Tensor,
        up: torch.Tensor,
        scale: float,
    ) -> torch.Tensor:
        """Map inputs [..., in], with weight [out, in], down [r, in] and up [out, r], to [..., out]."""
        rows = inputs.flatten(0, -2)
        projected = down @ rows.T
        outputs = functional.linear(rows, weight, bias).addmm_(projected.T, up.T, alpha=scale)
        ctx.save_for_backward(rows, projected, weight, down, up)
        ctx.scale = scale
        return outputs.unflatten(0, inputs.shape[:-1])

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Map the gradient of the outputs to the gradients of inputs, down and up."""
        rows, projected, weight, down, up = ctx.saved_tensors
        (output_gradient,) = gradients
        row_gradient = output_gradient.flatten(0, -2)
        projected_gradient = (up.T * ctx.scale) @ row_gradient.T
        input_gradient = None
        if ctx.needs_input_grad[0]:  # False in the first layer, because the embeddings are frozen
            input_gradient = (row_gradient @ weight).addmm_(projected_gradient.T, down)
            input_gradient = input_gradient.unflatten(0, output_gradient.shape[:-1])
        down_gradient = projected_gradient @ rows
        up_gradient = (projected @ row_gradient * ctx.scale).T
        return input_gradient, None, None, down_gradient, up_gradient, None
