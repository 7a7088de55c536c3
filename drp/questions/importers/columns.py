"""Map the columns of a file to fields: by their usual names, or explicitly with `--map field=column`.

    drp import traces FILE --map thinking=cot --map gold_answer=reward_model.ground_truth

`field` is a DRP field (one of `FIELDS`) and `column` a column of the file; a dot selects a field of a struct
column.
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
"""DRP's fields and the column names recognised for each; the first name that exists wins."""

_SEPARATORS = re.compile(r"[\s-]")  # "Final Answer" and "final-answer" match final_answer


@dataclass(frozen=True)
class ColumnMapping:
    """Field -> column of the file, for the fields that the file has."""

    columns: Mapping[str, str] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def value(self, values: Mapping[str, Any], name: str) -> Any:
        """Return the value of the field `name` in a row; None if there is none."""
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
    """Map the `columns` of `file` to fields; `pairs` ("field=column") override the usual names.

    Raises:
        BadInputError: a pair is malformed or has an unknown field or column, a required field is not
            found, or traces have neither a model column nor a `student`.
    """
    chosen = dict(_pair(pair, columns, kind, file) for pair in pairs)
    free = [column for column in columns if column not in chosen.values()]
    named = {_SEPARATORS.sub("_", column.lower()): column for column in reversed(free)}
    for name, usual in FIELDS.items():
        column = next(filter(None, (named.get(alias) or _dotted(alias, free) for alias in usual)), None)
        if column and name not in chosen:
            chosen[name] = column
    if missing := _missing(chosen, kind):
        raise _mapping_error(
            f"{file} has no column recognised as {missing}",
            columns,
            kind,
            file,
            f"--map {missing}=COLUMN",
        )
    if kind == "traces" and "student" not in chosen and not student:
        raise _mapping_error(
            f"{file} does not name the model that wrote the traces",
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
    raise _mapping_error(
        problem, columns, kind, file, f"--map {name if name in FIELDS else 'question'}=COLUMN"
    )


def _mapping_error(
    problem: str, columns: Sequence[str], kind: ImportKind, file: str, option: str
) -> BadInputError:
    return BadInputError(
        f"{problem} (its columns: {', '.join(columns)})",
        state="Nothing was imported",
        next_command=f"drp import {kind} {file} {option}",
    )
