"""Write a commented recipe for a student, with what its model folder says."""

import json
import re
from importlib import resources
from pathlib import Path
from string import Template

from drp.config import CHANNELS, LONGEST, THINK, ImportedSet
from drp.core import BadInputError
from drp.student.model_files import ModelDescription, describe_model

_TEMPLATE = "recipe_for_student.yaml"
_PAPER_LENGTH = 4096
"""Tokens of the longest training example in the paper."""
_GENERATED = "{source: synthetic, level: standard, size: 1200, seed: 0}"
_GENERATED_BENCHMARK = "{source: synthetic, level: small, split: test, size: 400, seed: 1}"
_IMPORT = (
    "\n# These are generated. Yours: `drp import questions FILE`, then"
    " {source: imported, dataset: gsm8k, split: %s}."
)


def new_recipe(
    student: str,
    folder: Path,
    name: str | None = None,
    questions: ImportedSet | None = None,
    benchmark: ImportedSet | None = None,
) -> str:
    """Return the text of a recipe.

    Args:
        student: the student as the recipe names it.
        folder: its model folder.
        name: the recipe's name; None makes one of the folder's.
        questions: imported questions that the student answers at night; None takes generated ones.
        benchmark: imported questions that decide a promotion; None takes generated ones.

    Raises:
        BadInputError: the folder is not that of a model.
    """
    model = describe_model(folder)
    context = model.context or LONGEST
    sampled = model.temperature is not None or model.top_p is not None
    benchmark_name = _name(benchmark.dataset) if benchmark else "small"
    text = resources.files("drp.config").joinpath(_TEMPLATE).read_text(encoding="utf-8")
    return Template(text).substitute(
        folder=folder,
        architecture=_architecture(model),
        context=f"{model.context:,} tokens" if model.context else "not in config.json",
        template=_template(model),
        thinking=_thinking(model),
        end_mark=_end_mark(model),
        marks=_marks_key(model),
        name=name or _name(folder.name),
        questions=_set(questions) if questions else _GENERATED,
        questions_comment="" if questions else _IMPORT % "train",
        student=json.dumps(student, ensure_ascii=False),
        temperature=0.6 if model.temperature is None else model.temperature,
        top_p=0.95 if model.top_p is None else model.top_p,
        max_tokens=min(context, LONGEST),
        sampling_comment="  # of generation_config.json" if sampled else "",
        max_length=min(context, _PAPER_LENGTH),
        length_comment=", as in the paper" if context >= _PAPER_LENGTH else ": all of the context",
        benchmark_name=benchmark_name,
        benchmark=_set(benchmark) if benchmark else _GENERATED_BENCHMARK,
        benchmark_comment="" if benchmark else _IMPORT % "test",
    )


def _name(text: str) -> str:
    """Return a name that a recipe or a benchmark may have."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return name if name[:1].isalpha() else f"student_{name}".rstrip("_")


def _set(questions: ImportedSet) -> str:
    dataset, split = (json.dumps(part, ensure_ascii=False) for part in questions.where)
    return f"{{source: imported, dataset: {dataset}, split: {split}}}"


def _architecture(model: ModelDescription) -> str:
    size = (
        f"{model.weight_bytes / 1e6:,.1f} MB of weights" if model.weight_bytes else "no safetensors weights"
    )
    return ", ".join([f"{model.architecture} ({model.model_type})", *filter(None, [model.dtype]), size])


def _template(model: ModelDescription) -> str:
    if model.template is None:
        return "none. DRP cannot ask a model without a chat template: copy that of its instruct version"
    if model.template_error:
        return f"in {model.template}, but it cannot be rendered ({model.template_error})"
    return f"in {model.template}"


def _thinking(model: ModelDescription) -> str:
    if model.marks is None:
        return "no marks found: to train it, name <think> and </think> in the system text of a prompt file"
    opened = "; the prompt opens it" if model.opens_thinking else ""
    words = f"{model.marks[0]} … {model.marks[1]}{opened}"
    return words


def _marks_key(model: ModelDescription) -> str:
    """Return the recipe's key `thinking`, if the marks are not those of R1."""
    if model.marks is None or model.marks == (THINK.opening.strip(), THINK.closing.strip()):
        return ""
    opening, closing = model.marks
    if opening == CHANNELS.opening:
        return "\nthinking: channels           # the marks of thinking"
    marks = {"opening": opening, "closing": closing}
    return f"\nthinking: {json.dumps(marks, ensure_ascii=False)}  # the marks of thinking"


def _end_mark(model: ModelDescription) -> str:
    turn = f"the template ends a turn with {model.turn_end}" if model.turn_end else "the template writes none"
    stops = ", ".join(model.stops) or "nothing"
    return f"{turn}; a response ends at {stops}"


def parse_question_set(text: str) -> ImportedSet:
    """Return the imported questions that `DATASET:SPLIT` names.

    Raises:
        BadInputError: `text` is not of this form.
    """
    dataset, colon, split = text.rpartition(":")
    if not colon or not dataset:
        raise BadInputError(
            f"{text!r} does not name a data set and its split, such as math500:test",
            state="Nothing was written",
            next_command='drp sql "SELECT DISTINCT dataset, split FROM questions", which lists them',
        )
    return ImportedSet(source="imported", dataset=dataset, split=split)
