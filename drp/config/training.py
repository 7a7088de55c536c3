"""How a student is fine-tuned: a section of a recipe, and part of a job. Needs no torch.

The defaults are the paper's (section 4.1, appendix B); where it says nothing they are LLaMA-Factory's, which
it used.
"""

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, SerializeAsAny, model_validator

from drp.config.section import Section
from drp.core import check_plugin_name, load_plugin

ProperShare: TypeAlias = Annotated[float, Field(ge=0, lt=1)]
"""A share below 1."""


ObjectiveName: TypeAlias = Annotated[str, AfterValidator(lambda name: check_plugin_name("objectives", name))]
"""Name of an objective, such as `sft`."""


class Lora(Section):
    """Low-rank adapters beside frozen weights."""

    rank: int = Field(default=8, ge=1)
    """Rank of each adapter's update."""
    alpha: float = Field(default=16, gt=0)
    """An adapter's update is multiplied by alpha / rank."""
    dropout: ProperShare = 0.0
    """Share of an adapter's input that is dropped while training."""
    target_modules: Literal["all-linear"] | tuple[str, ...] = "all-linear"
    """Names of the layers that get an adapter; `all-linear` is all but the head."""


class Sft(Section):
    """Supervised fine-tuning: cross-entropy of the response's tokens, the question is only read."""

    objective: ObjectiveName = "sft"
    """Name of the objective; the settings of each are a class of their own, a subclass of this one."""
    method: Literal["lora", "full"] = "lora"
    """What is trained: adapters, or all weights."""
    lora: Lora = Lora()
    """The adapters, when the method is `lora`."""
    epochs: int = Field(default=3, ge=1)
    """How often each example is seen."""
    learning_rate: float = Field(default=3e-5, gt=0)
    """Highest learning rate; it falls to zero along a cosine."""
    warmup: ProperShare = 0.1
    """Share of the steps in which the learning rate rises to it."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Of AdamW, whose betas are 0.9 and 0.999."""
    max_length: int = Field(default=4096, ge=2)
    """Tokens of prompt and response; longer examples are dropped and counted."""
    batch_size: int = Field(default=2, ge=1)
    """Examples that go through the model together."""
    accumulation: int = Field(default=4, ge=1)
    """Batches of a step: its loss is the mean over all their tokens, however they are batched."""
    batch_tokens: int | None = Field(default=None, ge=2)
    """Instead of `batch_size`: as many examples as fit into so many tokens, padding included."""
    packing: bool = False
    """Examples stand one after the other in a row, unseen by each other, instead of being padded."""
    validation_share: ProperShare = 0.05
    """Share of the questions whose examples are not trained on."""
    eval_steps: int = Field(default=300, ge=1)
    """Steps between two looks at the validation loss; there is always one at the end."""
    save_steps: int = Field(default=300, ge=1)
    """Steps between two saved states, from which a killed training goes on."""
    seed: int = Field(default=0, ge=0)
    """Decides the order of the examples, the adapters' first weights and dropout."""
    precision: Literal["auto", "bf16", "float32"] = "auto"
    """What matrix products are computed in; `auto` is bf16 on a GPU and float32 on a CPU."""
    gradient_checkpointing: bool = False
    """Compute activations a second time instead of keeping them: less memory, a third more time."""
    deepspeed: Literal["zero2", "zero3"] | None = None
    """Which of DeepSpeed's ways to spread the optimiser (and the weights: zero3) over processes."""
    processes: int = Field(default=1, ge=1)
    """Processes that DeepSpeed trains in, one for each GPU; they share each step's batches."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.batch_tokens is not None and self.batch_tokens < self.max_length:
            raise ValueError("batch_tokens must have room for an example of max_length")
        if self.processes > 1 and self.deepspeed is None:
            raise ValueError("more than one process needs deepspeed")
        return self


def _of_its_objective(value: Any) -> Any:
    """The settings as the class of the objective that they name."""
    if not isinstance(value, dict):
        return value
    name = check_plugin_name("objectives", str(value.get("objective", "sft")))
    return load_plugin("objectives", name).settings.model_validate(value)


Training: TypeAlias = Annotated[SerializeAsAny[Sft], BeforeValidator(_of_its_objective)]
"""Settings of any objective: they are read as the class that belongs to the name."""
