"""The base model as it is trained, and the checkpoint that comes of it.

Where there is a GPU, attention is FlashAttention and the small operations are Liger's if they are installed;
everywhere else they are PyTorch's own.
"""

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils import is_flash_attn_2_available

from drp.config import Sft
from drp.core import BadInputError, load_plugin
from drp.training.encode import Encoder
from drp.training.errors import WrongBaseError
from drp.training.job import ADAPTER, MERGED
from drp.training.lora import with_adapters
from drp.training.resume_state import whole

_BASE = "base.json"
"""Beside an adapter: which model it is of."""
_WEIGHTS = "adapter_model.safetensors"
_COPIED = {".json", ".jinja", ".txt", ".model"}
_WRITTEN = ".index.json"  # goes with the weights, which are new


class TrainableStudent:
    """The base model, ready to be trained: with adapters in it, or all of it."""

    def __init__(self, base: Path, base_sha256: str, settings: Sft) -> None:
        """Reads the model in `base`, whose digest is for the adapter.

        Raises:
            BadInputError: the model cannot be read, or not be trained as `settings` say.
        """
        self._base, self._base_sha256 = base, base_sha256
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        precision = _precision(settings)
        is_lora = settings.method == "lora"
        # what is trained is kept in 32 bits: its updates are often smaller than the last place of 16
        model = load_base(base, precision if is_lora else torch.float32, self.device)
        if self.device.type == "cuda" and importlib.util.find_spec("liger_kernel"):
            from liger_kernel.transformers import _apply_liger_kernel_to_instance

            _apply_liger_kernel_to_instance(model, cross_entropy=False, fused_linear_cross_entropy=False)
        if settings.gradient_checkpointing:
            model.activation_checkpointing_enable({"use_reentrant": False})
        self._model = model
        self._adapted = with_adapters(model, settings) if is_lora else None  # they are in `model` itself
        self.objective = load_plugin("objectives", settings.objective).loss(model, precision)

    @property
    def rows(self) -> int:
        """Rows of its embedding."""
        return int(self._model.get_input_embeddings().weight.shape[0])

    @property
    def context(self) -> int:
        """Tokens that it can read."""
        return int(getattr(self._model.config, "max_position_embeddings", sys.maxsize))

    @property
    def stops(self) -> list[int]:
        """Ids that end a text when it is sampled; empty if it does not say."""
        ids = self._model.generation_config.eos_token_id
        return [] if ids is None else ids if isinstance(ids, list) else [ids]

    def save(self, out: Path) -> None:
        """Write the adapter, if there is one, and the whole student; it cannot be trained any more.

        Raises:
            CheckpointUnwritableError: the disk is full, or `out` may not be written.
        """
        if self._adapted:
            with whole(out / ADAPTER) as folder:
                save_adapter(self._adapted, folder, self._base, self._base_sha256)
            self._model = merge(self._base, self._base_sha256, out / ADAPTER)
        with whole(out / MERGED) as folder:
            save_whole(self._model, folder, self._base)


def load_encoder(folder: Path) -> Encoder:
    """What encodes with the tokenizer of the model in `folder`.

    Raises:
        BadInputError: it cannot be read, or not be trained with.
    """
    try:
        return Encoder(AutoTokenizer.from_pretrained(folder), folder)
    except (OSError, ValueError, KeyError) as error:
        raise _unreadable(folder, "tokenizer", error) from error


def load_base(folder: Path, dtype: torch.dtype, device: torch.device) -> Any:
    """The model in `folder`, its weights as `dtype`.

    Raises:
        BadInputError: it cannot be read, or does more after its last layer than to multiply by a matrix.
    """
    has_flash = device.type == "cuda" and dtype == torch.bfloat16 and is_flash_attn_2_available()
    attention = "flash_attention_2" if has_flash else "sdpa"
    try:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation=attention)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise _unreadable(folder, "language model", error) from error
    model = model.to(device)
    _check_head(model, folder)
    return model


def save_adapter(model: PeftModel, folder: Path, base: Path, base_sha256: str) -> None:
    """Write the adapters of `model`, as PEFT and vLLM load them, and which base they are of."""
    config = model.peft_config["default"]
    config.base_model_name_or_path = str(base)
    config.target_modules = sorted(config.target_modules)  # a set: each process would write another order
    config.save_pretrained(folder)
    save_file(get_peft_model_state_dict(model, save_embedding_layers=False), folder / _WEIGHTS)
    (folder / _BASE).write_text(json.dumps({"folder": str(base), "sha256": base_sha256}), encoding="utf-8")


def merge(base: Path, base_sha256: str, adapter: Path) -> Any:
    """The model in `base` with the adapters in `adapter` added to its weights, in 32 bits on the CPU.

    Raises:
        WrongBaseError: they are of another base.
    """
    of = json.loads((adapter / _BASE).read_text(encoding="utf-8"))
    if of["sha256"] != base_sha256:
        raise WrongBaseError(
            f"the adapter in {adapter} was trained on {of['folder']} as it was then ({of['sha256'][:12]}),"
            f" not on {base} ({base_sha256[:12]})",
            state="Nothing was merged",
            next_command=f"put that model back, or rm -r {adapter.parent} and train again",
        )
    model = load_base(base, torch.float32, torch.device("cpu"))
    return PeftModel.from_pretrained(model, adapter).merge_and_unload()


def save_whole(model: Any, folder: Path, base: Path) -> None:
    """Write `model` in the number format of `base`, with all that is not weights as it is there."""
    model.to(AutoConfig.from_pretrained(base).dtype or torch.float32).save_pretrained(folder)
    for file in base.iterdir():
        if file.suffix in _COPIED and not file.name.endswith(_WRITTEN):
            shutil.copyfile(file, folder / file.name)


def _precision(settings: Sft) -> torch.dtype:
    """What matrix products are computed in."""
    if settings.precision == "auto":
        return torch.bfloat16 if torch.cuda.is_available() else torch.float32
    return torch.bfloat16 if settings.precision == "bf16" else torch.float32


def _check_head(model: Any, folder: Path) -> None:
    """Refuse models that scale or cap their logits: the loss applies the head by itself."""
    tokens = torch.arange(min(8, model.config.vocab_size), device=model.device)[None]
    with torch.inference_mode():
        said = model(input_ids=tokens, use_cache=False).logits
        ours = model.get_output_embeddings()(model.get_decoder()(input_ids=tokens, use_cache=False)[0])
    if not torch.allclose(said.float(), ours.float(), rtol=1e-2, atol=1e-2, equal_nan=True):
        raise BadInputError(
            f"the model in {folder} ({model.config.model_type}) changes its logits after its head, which the"
            " training does not do",
            state="Nothing was trained",
            next_command="set `student` in the recipe to a model of another architecture, such as qwen2",
        )


def _unreadable(folder: Path, what: str, error: Exception) -> BadInputError:
    return BadInputError(
        f"{folder} has no {what} that transformers can read: {error}",
        state="Nothing was trained",
        next_command="set `student` in the recipe (or DRP_STUDENT) to the folder of a causal language model",
    )
