"""Load the base model for training, and save the resulting checkpoint.

On a GPU, attention uses FlashAttention and the small operations use Liger kernels, if they are installed.
Otherwise both use PyTorch.
"""

import copy
import importlib.util
import json
import logging
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils import is_flash_attn_2_available

from drp.config import THINK, Sft, StudentPrompt, ThinkingMarks
from drp.core import BadInputError, load_plugin
from drp.training.atomic_files import folder_digest
from drp.training.cross_entropy import head_logits
from drp.training.encode import QUESTION_ONLY, Encoder
from drp.training.errors import WrongBaseError
from drp.training.job import ADAPTER, MERGED
from drp.training.lora import add_adapters
from drp.training.resume_state import atomic_folder

_log = logging.getLogger(__name__)

_BASE = "base.json"
"""File in an adapter's folder that identifies its base model."""
_WEIGHTS = "adapter_model.safetensors"
_LARGEST_LAYER = 500_000_000  # parameters of a layer that is made with weights to check what follows it
_LEAK = 0.02  # difference of logits, as a share of their spread, that rounding to 16 bits explains
_COPIED = {".json", ".jinja", ".txt", ".model"}
_TOKENIZER_FILES = {
    "chat_template.jinja",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
}
_WEIGHTS_INDEX = ".index.json"  # describes the weight files, so it is written anew with them


class TrainableStudent:
    """The base model, prepared for training with adapters or with all weights."""

    def __init__(self, base: Path, base_sha256: str, settings: Sft) -> None:
        """Load the model from `base`. Its digest is recorded with the adapter.

        Raises:
            BadInputError: the model cannot be read, or cannot be trained with these settings.
        """
        self._base, self._base_sha256 = base, base_sha256
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        precision = _precision(settings)
        is_lora = settings.method == "lora"
        # trained weights are stored in float32: updates are often smaller than the resolution of 16 bits
        model = load_base(base, precision if is_lora else torch.float32, self.device)
        if self.device.type == "cuda" and importlib.util.find_spec("liger_kernel"):
            from liger_kernel.transformers import _apply_liger_kernel_to_instance

            _apply_liger_kernel_to_instance(model, cross_entropy=False, fused_linear_cross_entropy=False)
        if settings.packing:
            check_packing(model, base)
        if settings.gradient_checkpointing:
            model.activation_checkpointing_enable({"use_reentrant": False})
        self._model = model
        self._adapted = add_adapters(model, settings) if is_lora else None  # modifies `model` in place
        self.objective = load_plugin("objectives", settings.objective).loss(model, precision)

    @property
    def rows(self) -> int:
        """Number of rows in the embedding."""
        return int(self._model.get_input_embeddings().weight.shape[0])

    @property
    def context(self) -> int:
        """Context length in tokens."""
        config = self._model.config.get_text_config()
        return int(getattr(config, "max_position_embeddings", sys.maxsize))

    @property
    def stops(self) -> list[int]:
        """Token ids at which sampling stops; empty if the generation config defines none."""
        ids = self._model.generation_config.eos_token_id
        return [] if ids is None else ids if isinstance(ids, list) else [ids]

    def save(self, out: Path) -> None:
        """Write the adapter, if there is one, and the merged model. Training cannot continue afterwards.

        Raises:
            CheckpointUnwritableError: the disk is full, or `out` is not writable.
        """
        if self._adapted:
            with atomic_folder(out / ADAPTER) as folder:
                save_adapter(self._adapted, folder, self._base, self._base_sha256)
            self._model = merge(self._base, self._base_sha256, out / ADAPTER)
        with atomic_folder(out / MERGED) as folder:
            save_merged(self._model, folder, self._base)


def load_encoder(
    folder: Path,
    prompt: StudentPrompt = QUESTION_ONLY,
    marks: ThinkingMarks = THINK,
) -> Encoder:
    """Return an encoder with the tokenizer of the model in `folder`.

    Raises:
        BadInputError: the tokenizer cannot be read, or is not suitable for training.
    """
    try:
        return Encoder(AutoTokenizer.from_pretrained(folder), folder, prompt, marks)
    except (OSError, ValueError, KeyError) as error:
        raise _unreadable(folder, "tokenizer", error) from error


def load_base(folder: Path, dtype: torch.dtype, device: torch.device) -> Any:
    """Load the model in `folder`, with its weights as `dtype`.

    Raises:
        BadInputError: the model cannot be read, or modifies its logits after the output head.
    """
    has_flash = device.type == "cuda" and dtype == torch.bfloat16 and is_flash_attn_2_available()
    # None: sdpa, or eager where the architecture does not support sdpa
    attentions = ["flash_attention_2", None] if has_flash else [None]
    for attention in attentions:
        try:
            model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation=attention)
            break
        except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
            if attention is None:
                raise _unreadable(folder, "language model", error) from error
            _log.info("attention is not %s: %s", attention, error)
    model = model.to(device)
    _check_head(model, folder)
    return model


def save_adapter(model: PeftModel, folder: Path, base: Path, base_sha256: str) -> None:
    """Write the adapters of `model` in the format that PEFT and vLLM load, and identify their base model."""
    config = model.peft_config["default"]
    config.base_model_name_or_path = str(base)
    config.target_modules = sorted(config.target_modules)  # a set, whose order differs between processes
    config.save_pretrained(folder)
    save_file(get_peft_model_state_dict(model, save_embedding_layers=False), folder / _WEIGHTS)
    (folder / _BASE).write_text(json.dumps({"folder": str(base), "sha256": base_sha256}), encoding="utf-8")


def merge(base: Path, base_sha256: str, adapter: Path) -> Any:
    """Merge an adapter into the weights of its base model, in float32 on the CPU.

    Raises:
        WrongBaseError: the adapter was trained on a different base model.
    """
    identity = adapter / _BASE
    trained_on = json.loads(identity.read_text(encoding="utf-8")) if identity.is_file() else None
    if trained_on and trained_on["sha256"] != base_sha256:  # an adapter of others does not say it
        raise WrongBaseError(
            f"the adapter in {adapter} was trained on {trained_on['folder']} with digest"
            f" {trained_on['sha256'][:12]}, not on {base} with digest {base_sha256[:12]}",
            state="Nothing was merged",
            next_command=f"restore that model, or rm -r {adapter.parent} and train again",
        )
    model = load_base(base, torch.float32, torch.device("cpu"))
    return PeftModel.from_pretrained(model, adapter).merge_and_unload()


def merge_adapter(base: Path, adapter: Path, out: Path) -> None:
    """Write the model that an adapter makes of its base model, with the adapter's tokenizer if it has one.

    Raises:
        BadInputError: one of them cannot be read, or they do not fit together.
        WrongBaseError: the adapter names another base model.
        CheckpointUnwritableError: the disk is full, or `out` is not writable.
    """
    try:
        model = merge(base, folder_digest(base), adapter)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise BadInputError(
            f"the adapter in {adapter} cannot be merged into {base}: {error}",
            state="Nothing was written",
            next_command="drp evaluate ADAPTER --base FOLDER, with the model that it was trained on",
        ) from error
    with atomic_folder(out) as folder:
        save_merged(model, folder, base)
        for file in adapter.iterdir():
            if file.name in _TOKENIZER_FILES:
                shutil.copyfile(file, folder / file.name)


def save_merged(model: Any, folder: Path, base: Path) -> None:
    """Write `model` in the data type of `base`, and copy all files of `base` that are not weights."""
    model.to(AutoConfig.from_pretrained(base).dtype or torch.float32).save_pretrained(folder)
    for file in base.iterdir():
        if file.suffix in _COPIED and not file.name.endswith(_WEIGHTS_INDEX):
            shutil.copyfile(file, folder / file.name)


@dataclass(frozen=True)
class Architecture:
    """What can be known of a model without its weights."""

    name: str
    parameters: int
    rows: int
    """Number of rows in the embedding."""
    context: int
    """Context length in tokens."""
    stops: Any
    """Token id, or ids, at which sampling stops by the model's config."""
    is_head_checked: bool
    """Whether it was tried that nothing follows the output head."""


def check_architecture(folder: Path, settings: Sft) -> Architecture:
    """Make the model in `folder` without its weights, with adapters if they are trained.

    Raises:
        BadInputError: the model cannot be made, or cannot be trained with these settings.
    """
    try:
        config = AutoConfig.from_pretrained(folder)
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise _unreadable(folder, "language model", error) from error
    parameters = sum(parameter.numel() for parameter in model.parameters())
    is_head_checked = _check_one_layer(config, settings, folder)
    rows = int(model.get_input_embeddings().weight.shape[0])
    if settings.method == "lora":
        with torch.device("meta"):
            add_adapters(model, settings)
    context = int(getattr(config.get_text_config(), "max_position_embeddings", sys.maxsize))
    return Architecture(config.model_type, parameters, rows, context, config.eos_token_id, is_head_checked)


def _check_one_layer(config: Any, settings: Sft, folder: Path) -> bool:
    """Check head and packing of a model with one layer and few tokens, whose weights are random.

    Return whether it was checked: a layer may be too large, or the architecture may not take one layer.

    Raises:
        BadInputError: the model modifies its logits after the output head, or mixes packed examples.
    """
    config = copy.deepcopy(config)
    text = config.get_text_config()
    text.num_hidden_layers, text.vocab_size = 1, 64
    text.bos_token_id = text.eos_token_id = text.pad_token_id = None
    if getattr(text, "layer_types", None):
        text.layer_types = text.layer_types[:1]
    try:
        with torch.device("meta"):
            empty = AutoModelForCausalLM.from_config(config)
        if sum(parameter.numel() for parameter in empty.parameters()) > _LARGEST_LAYER:
            return False
        model = AutoModelForCausalLM.from_config(config).eval()
    except (ValueError, KeyError, RuntimeError, IndexError, TypeError, AttributeError):
        return False
    _check_head(model, folder)
    if settings.packing:
        check_packing(model, folder)
    return True


def _precision(settings: Sft) -> torch.dtype:
    """Return the data type of matrix products."""
    if settings.precision == "auto":
        return torch.bfloat16 if torch.cuda.is_available() else torch.float32
    return torch.bfloat16 if settings.precision == "bf16" else torch.float32


def _check_head(model: Any, folder: Path) -> None:
    """Reject models whose logits are not those that the loss computes from the hidden states."""
    count = min(8, model.config.get_text_config().vocab_size)
    tokens = torch.arange(count, device=model.device)[None]
    with torch.inference_mode():
        logits = model(input_ids=tokens, use_cache=False).logits
        computed = head_logits(model, model.get_decoder()(input_ids=tokens, use_cache=False)[0])
    if not torch.allclose(logits.float(), computed.float(), rtol=1e-2, atol=1e-2, equal_nan=True):
        raise BadInputError(
            f"the model in {folder} ({model.config.model_type}) changes its logits after the output head in a"
            " way that training does not support",
            state="Nothing was trained",
            next_command="set `student` in the recipe to a model of another architecture, such as qwen2",
        )


def check_packing(model: Any, folder: Path) -> None:
    """Reject models in which an example attends to the one before it in a packed row.

    Raises:
        BadInputError: the logits of an example depend on the one before it.
    """
    tokens = torch.arange(8, device=model.device)[None] % model.config.get_text_config().vocab_size
    positions = torch.arange(4, device=model.device).repeat(2)[None]
    with torch.inference_mode():
        packed = model(input_ids=tokens, position_ids=positions, use_cache=False).logits[:, 4:]
        alone = model(input_ids=tokens[:, 4:], use_cache=False).logits
    if not torch.allclose(packed.float(), alone.float(), rtol=0, atol=_LEAK * float(alone.std())):
        raise BadInputError(
            f"the model in {folder} ({model.config.model_type}) does not keep the examples of a packed row"
            " apart",
            state="Nothing was trained",
            next_command="set packing: false in the recipe's section training, then train again",
        )


def _unreadable(folder: Path, what: str, error: Exception) -> BadInputError:
    return BadInputError(
        f"{folder} has no {what} that transformers can read: {error}",
        state="Nothing was trained",
        next_command="set `student` in the recipe (or DRP_STUDENT) to the folder of a causal language model",
    )
