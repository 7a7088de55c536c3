"""Which column of a file holds what: recognised by its usual names, or said with `--map field=column`.

    drp import traces FILE --map thinking=cot --map gold_answer=reward_model.ground_truth

`field` is our name (one of `FIELDS`), `column` the file's; a dot reaches into a column of structs.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from drp.core import BadInputError

ImportKind: TypeAlias = Literal["traces", "questions"]

FIELDS: dict[str, tuple[str, ...]] = {
    "question": ("question", "problem", "prompt", "input", "instruction"),
    "gold_answer": (
        "gold_answer",
        "answer",
        "gold",
        "expected_answer",
        "final_answer",
        "target",
        "label",
        "reward_model.ground_truth",
        "solution",
    ),
    "thinking": ("thinking", "reasoning", "reasoning_content", "thought"),
    "response": ("response", "completion", "output", "generation", "content", "model_output", "trace"),
    "messages": ("messages", "conversations"),
    "student": ("student", "model", "model_name", "generator"),
    "dataset": ("dataset", "source", "data_source"),
    "split": ("split",),
    "finish_reason": ("finish_reason",),
}
"""Our fields and the column names that are recognised for each, the first that is there wins."""

_SEPARATORS = re.compile(r"[\s-]")  # "Final Answer" and "final-answer" are final_answer


@dataclass(frozen=True)
class ColumnMapping:
    """Our field -> the file's column, for the fields that the file has."""

    columns: Mapping[str, str] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def value(self, values: Mapping[str, Any], name: str) -> Any:
        """What a row holds for our field `name`; None if nothing."""
        column = self.columns.get(name)
        if column is None or column in values:
            return values.get(column or "")
        inner: Any = values
        for part in column.split("."):
            inner = inner.get(part) if isinstance(inner, Mapping) else None
        return inner


def recognise(
    columns: Sequence[str],
    pairs: Sequence[str],
    kind: ImportKind,
    file: str,
    *,
    student: str | None = None,
) -> ColumnMapping:
    """Map the `columns` of `file`; `pairs` ("field=column") overrule the usual names.

    Raises:
        BadInputError: a pair that is none, an unknown field or column, a field that is needed and not found,
            or traces with neither a model column nor a `student`.
    """
    chosen = dict(_pair(pair, columns, kind, file) for pair in pairs)
    free = [column for column in columns if column not in chosen.values()]
    named = {_SEPARATORS.sub("_", column.lower()): column for column in reversed(free)}
    for name, usual in FIELDS.items():
        column = next(filter(None, (named.get(alias) or _dotted(alias, free) for alias in usual)), None)
        if column and name not in chosen:
            chosen[name] = column
    if missing := _missing(chosen, kind):
        raise _refusal(
            f"{file} has no column that is recognised as {missing}",
            columns,
            kind,
            file,
            f"--map {missing}=COLUMN",
        )
    if kind == "traces" and "student" not in chosen and not student:
        raise _refusal(
            f"{file} does not say which model reasoned",
            columns,
            kind,
            file,
            "--student NAME (or --map student=COLUMN)",
        )
    return ColumnMapping(chosen)


def _dotted(name: str, columns: Sequence[str]) -> str | None:
    head, dot, _ = name.partition(".")
    return name if dot and head in columns else None


def _missing(chosen: Mapping[str, str], kind: ImportKind) -> str | None:
    if "question" not in chosen and "messages" not in chosen:
        return "question"
    if "gold_answer" not in chosen:
        return "gold_answer"
    if kind == "traces" and not {"thinking", "response", "messages"} & chosen.keys():
        return "thinking"
    return None


def _pair(pair: str, columns: Sequence[str], kind: ImportKind, file: str) -> tuple[str, str]:
    name, _, column = pair.partition("=")
    if name in FIELDS and (column in columns or _dotted(column, columns)):
        return name, column
    if name not in FIELDS:
        problem = f"--map {pair}: {name!r} is not one of {', '.join(FIELDS)}"
    else:
        problem = f"--map {pair}: {file} has no column {column!r}"
    raise _refusal(problem, columns, kind, file, f"--map {name if name in FIELDS else 'question'}=COLUMN")


def _refusal(problem: str, columns: Sequence[str], kind: ImportKind, file: str, option: str) -> BadInputError:
    return BadInputError(
        f"{problem} (its columns: {', '.join(columns)})",
        state="Nothing was imported",
        next_command=f"drp import {kind} {file} {option}",
    )
