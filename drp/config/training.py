"""How a student is fine-tuned: a section of a recipe, and part of a training job. It does not need torch.

The defaults are those of the paper (section 4.1, appendix B). Where the paper states none, they are those of
LLaMA-Factory, which it used.
"""

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, SerializeAsAny, model_validator

from drp.config.section_base import Section
from drp.core import check_plugin_name, load_plugin

ProperShare: TypeAlias = Annotated[float, Field(ge=0, lt=1)]
"""A share below 1."""


ObjectiveName: TypeAlias = Annotated[str, AfterValidator(lambda name: check_plugin_name("objectives", name))]
"""Name of an objective, such as `sft`."""


class Lora(Section):
    """Low-rank adapters on frozen weights."""

    rank: int = Field(default=8, ge=1)
    """Rank of the update of each adapter."""
    alpha: float = Field(default=16, gt=0)
    """The update of an adapter is multiplied by alpha / rank."""
    dropout: ProperShare = 0.0
    """Share of an adapter's input that is dropped during training."""
    target_modules: Literal["all-linear"] | tuple[str, ...] = "all-linear"
    """Names of the layers that get an adapter; `all-linear` means all linear layers except the head."""


class Sft(Section):
    """Supervised fine-tuning: cross-entropy of the response's tokens; the prompt does not enter the loss."""

    objective: ObjectiveName = "sft"
    """Name of the objective. Other objectives have settings classes that derive from this one."""
    method: Literal["lora", "full"] = "lora"
    """What is trained: adapters, or all weights."""
    lora: Lora = Lora()
    """The adapters, when the method is `lora`."""
    epochs: int = Field(default=3, ge=1)
    """Passes over the examples."""
    learning_rate: float = Field(default=3e-5, gt=0)
    """Peak learning rate; it decays to zero along a cosine."""
    warmup: ProperShare = 0.1
    """Share of the steps in which the learning rate rises to its peak."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Weight decay of AdamW, whose betas are 0.9 and 0.999."""
    max_length: int = Field(default=4096, ge=2)
    """Tokens of prompt and response; longer examples are dropped and counted."""
    batch_size: int = Field(default=2, ge=1)
    """Examples in one forward pass."""
    accumulation: int = Field(default=4, ge=1)
    """Batches per step. The loss of a step is the mean over all their tokens, however they are batched."""
    batch_tokens: int | None = Field(default=None, ge=2)
    """Instead of `batch_size`: a batch holds as many examples as fit into this many tokens, with padding."""
    packing: bool = False
    """Concatenate examples in a row instead of padding them. They do not attend to each other."""
    validation_share: ProperShare = 0.05
    """Share of the questions whose examples are held out for validation."""
    eval_steps: int = Field(default=300, ge=1)
    """Steps between two evaluations of the validation loss. There is always one at the end."""
    save_steps: int = Field(default=300, ge=1)
    """Steps between two saved states, from which a killed training resumes."""
    seed: int = Field(default=0, ge=0)
    """Determines the order of the examples, the initial weights of the adapters, and dropout."""
    precision: Literal["auto", "bf16", "float32"] = "auto"
    """Precision of matrix products; `auto` is bf16 on a GPU and float32 on a CPU."""
    gradient_checkpointing: bool = False
    """Recompute activations instead of keeping them: less memory, a third more time."""
    deepspeed: Literal["zero2", "zero3"] | None = None
    """DeepSpeed's ZeRO stage: `zero2` shards the optimiser over processes, `zero3` the weights as well."""
    processes: int = Field(default=1, ge=1)
    """Processes of a DeepSpeed training, one per GPU. They share the batches of each step."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.batch_tokens is not None and self.batch_tokens < self.max_length:
            raise ValueError("batch_tokens must not be smaller than max_length")
        if self.processes > 1 and self.deepspeed is None:
            raise ValueError("more than one process needs deepspeed")
        return self


def _as_objective_settings(value: Any) -> Any:
    """Validate the settings with the class of their objective."""
    if not isinstance(value, dict):
        return value
    name = check_plugin_name("objectives", str(value.get("objective", "sft")))
    return load_plugin("objectives", name).settings.model_validate(value)


Training: TypeAlias = Annotated[SerializeAsAny[Sft], BeforeValidator(_as_objective_settings)]
"""Settings of any objective. The name of the objective selects their class."""
