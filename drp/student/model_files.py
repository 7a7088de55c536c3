"""What the files of a model folder say of a student: context, template, marks of thinking, end mark.

    described = describe_model(Path("models/DeepSeek-R1-Distill-Qwen-1.5B"))

Reads JSON and the chat template only: it needs neither torch nor transformers, and loads no weights.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from drp.core import BadInputError

MARKS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|channel|>analysis<|message|>", "<|end|>"),
)
"""Marks around the thinking that models in the open use, each as opening and closing."""

_ANSWER = "the answer of the assistant"
_GENERATION = re.compile(r"\{%-?\s*(?:end)?generation\s*-?%\}")  # transformers' tag, which renders nothing


@dataclass(frozen=True)
class ModelDescription:
    """What is in a model folder. A value is None, or empty, where the files do not say it."""

    architecture: str
    model_type: str
    context: int | None
    """Most tokens of a prompt and its response together."""
    dtype: str | None
    weight_bytes: int
    template: str | None
    """Name of the file with the chat template; None without a template."""
    template_error: str | None
    """Why the template cannot be rendered."""
    marks: tuple[str, str] | None
    """The marks of thinking that the template or the tokenizer has."""
    opens_thinking: bool
    """Whether a prompt ends with the opening mark, so that a response begins inside the thinking."""
    turn_end: str | None
    """What the template writes after a turn of the assistant."""
    stops: tuple[str, ...]
    """The tokens that end a response, by the generation config."""
    temperature: float | None
    top_p: float | None


def describe_model(folder: Path) -> ModelDescription:
    """Read what the files of a model folder say.

    Raises:
        BadInputError: the folder has no `config.json`, is an adapter, or a file is not JSON.
    """
    if (folder / "adapter_config.json").is_file():
        base = _json(folder / "adapter_config.json").get("base_model_name_or_path")
        raise _unusable(f"{folder} is a LoRA adapter of {base}, and not a whole model", folder)
    if not (folder / "config.json").is_file():
        raise _unusable(f"{folder} has no config.json, so it is not the folder of a model", folder)
    config = _json(folder / "config.json")
    text_config = config.get("text_config", {})
    tokenizer = _json(folder / "tokenizer_config.json")
    generation = _json(folder / "generation_config.json")
    file, template = _template(folder, tokenizer)
    added = _added_tokens(folder, tokenizer)
    prompt, turn_end, error = _rendered(template, tokenizer) if template else ("", None, None)
    marks = _marks(prompt, template or "", added)
    return ModelDescription(
        architecture=next(iter(config.get("architectures") or ()), "unknown"),
        model_type=config.get("model_type", "unknown"),
        context=config.get("max_position_embeddings", text_config.get("max_position_embeddings")),
        dtype=config.get("dtype", config.get("torch_dtype")),
        weight_bytes=sum(path.stat().st_size for path in folder.glob("*.safetensors")),
        template=file,
        template_error=error,
        marks=marks,
        opens_thinking=marks is not None and prompt.rstrip().endswith(marks[0]),
        turn_end=turn_end,
        stops=_stops(generation.get("eos_token_id", config.get("eos_token_id")), added, tokenizer),
        temperature=generation.get("temperature"),
        top_p=generation.get("top_p"),
    )


def _template(folder: Path, tokenizer: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return the name of the file with the chat template, and the template."""
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.name, file.read_text(encoding="utf-8")
    template = tokenizer.get("chat_template")
    if isinstance(template, list):  # several named ones
        template = next((each["template"] for each in template if each["name"] == "default"), None)
    return ("tokenizer_config.json", template) if template else (None, None)


def _added_tokens(folder: Path, tokenizer: dict[str, Any]) -> dict[int, str]:
    """Return the special and added tokens, by id."""
    listed = _json(folder / "tokenizer.json").get("added_tokens", [])
    decoded = {int(number): token for number, token in tokenizer.get("added_tokens_decoder", {}).items()}
    return {number: token["content"] for number, token in decoded.items()} | {
        token["id"]: token["content"] for token in listed
    }


def _rendered(template: str, tokenizer: dict[str, Any]) -> tuple[str, str | None, str | None]:
    """Return a prompt, what follows an assistant's turn, and why the template cannot be rendered."""

    def refuse(message: str) -> None:
        raise TemplateError(message)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
    )
    environment.filters["tojson"] = lambda value, **_: json.dumps(value, ensure_ascii=False)
    environment.globals |= {
        "raise_exception": refuse,
        "strftime_now": lambda form: datetime.now(UTC).strftime(form),
        "bos_token": _token(tokenizer, "bos_token"),
        "eos_token": _token(tokenizer, "eos_token"),
    }
    question = [{"role": "user", "content": "a question"}]
    turn = [*question, {"role": "assistant", "content": _ANSWER}]
    try:
        compiled = environment.from_string(_GENERATION.sub("", template))
        prompt = compiled.render(messages=question, add_generation_prompt=True)
        _, found, end = compiled.render(messages=turn, add_generation_prompt=False).rpartition(_ANSWER)
    except (TemplateError, TypeError, ValueError, LookupError) as error:
        return "", None, f"{type(error).__name__}: {error}"
    return prompt, (end.strip() or None) if found else None, None


def _marks(prompt: str, template: str, added: dict[int, str]) -> tuple[str, str] | None:
    """Return the marks of thinking: those that the prompt ends with, else those that the files name."""
    tokens = set(added.values())
    opened = next((pair for pair in MARKS if prompt.rstrip().endswith(pair[0])), None)
    named = (pair for pair in MARKS if pair[0] in template or pair[1] in template or pair[0] in tokens)
    return opened or next(named, None)


def _stops(ids: Any, added: dict[int, str], tokenizer: dict[str, Any]) -> tuple[str, ...]:
    numbers = [] if ids is None else ids if isinstance(ids, list) else [ids]
    return tuple(added.get(number, f"token {number}") for number in numbers) or tuple(
        filter(None, [_token(tokenizer, "eos_token")])
    )


def _token(tokenizer: dict[str, Any], name: str) -> str:
    token = tokenizer.get(name) or ""
    return str(token["content"]) if isinstance(token, dict) else str(token)


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unusable(f"{path} cannot be read as JSON: {error}", path.parent) from error
    return document if isinstance(document, dict) else {}


def _unusable(problem: str, folder: Path) -> BadInputError:
    return BadInputError(
        problem,
        state="Nothing was written",
        next_command=f"ls {folder}, then name the folder of a whole model with config.json and a tokenizer",
    )
