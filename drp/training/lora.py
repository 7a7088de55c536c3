"""LoRA's adapters (Hu et al. 2021): PEFT's, with the work of each layer in one piece.

PEFT computes `W x + (alpha / rank) B A x` as five operations, three of which go over an output of the layer's
full width and keep one for the way back. Here the adapter adds to what `W` gave in place, and the products of
rank `r` lie as [r, tokens], which a CPU multiplies several times as fast (benchmarks/sft).
"""

from functools import partial
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import Linear
from torch.nn import functional

from drp.config import Sft
from drp.core import BadInputError


def with_adapters(model: Any, settings: Sft) -> PeftModel:
    """Put adapters into `model` and freeze its own weights.

    Raises:
        BadInputError: nothing in it has the names that `settings` give.
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
            f"the model gets no adapters: {error}",
            state="Nothing was trained",
            next_command="mend lora.target_modules in the recipe, then train again",
        ) from error
    # dropout needs another input for the adapter; ZeRO-3 has the weights only while a layer of its own runs
    if not lora.dropout and settings.deepspeed != "zero3":
        for layer in model.modules():
            if type(layer) is Linear and type(layer.base_layer) is torch.nn.Linear:
                layer.forward = partial(_forward, layer)
    return adapted


def _forward(layer: Any, inputs: torch.Tensor) -> torch.Tensor:
    base, (adapter,) = layer.base_layer, layer.active_adapters
    down, up = layer.lora_A[adapter].weight, layer.lora_B[adapter].weight
    precision = base.weight.dtype  # frozen weights are kept in that of the products
    adapted: torch.Tensor = _Adapted.apply(
        inputs.to(precision),
        base.weight,
        base.bias,
        down.to(precision),
        up.to(precision),
        layer.scaling[adapter],
    )
    return adapted


class _Adapted(torch.autograd.Function):  # type: ignore[misc] # torch has no types here
    """`inputs @ (weight + scale * up @ down).T + bias`, with gradients of inputs, down and up."""

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
        """Inputs [..., in], weight [out, in], down [r, in], up [out, r]: [..., out]."""
        rows = inputs.flatten(0, -2)
        thin = down @ rows.T
        outputs = functional.linear(rows, weight, bias).addmm_(thin.T, up.T, alpha=scale)
        ctx.save_for_backward(rows, thin, weight, down, up)
        ctx.scale = scale
        return outputs.unflatten(0, inputs.shape[:-1])

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Gradient of the outputs to those of the inputs, down and up."""
        rows, thin, weight, down, up = ctx.saved_tensors
        (gradient,) = gradients
        outer = gradient.flatten(0, -2)
        thin_gradient = (up.T * ctx.scale) @ outer.T
        of_inputs = None
        if ctx.needs_input_grad[0]:  # not in the first layer, whose embeddings are frozen
            of_inputs = (outer @ weight).addmm_(thin_gradient.T, down).unflatten(0, gradient.shape[:-1])
        return of_inputs, None, None, thin_gradient @ rows, (thin @ outer * ctx.scale).T, None
