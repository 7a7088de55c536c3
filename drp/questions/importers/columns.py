"""The fields that an import reads, the names that columns usually have, and `--map field=column`.

    drp import traces FILE --map thinking=cot --map gold_answer=messages[0].info.answer --map split=

`field` is a DRP field (one of `FIELDS`) and `column` a column of the file, or an address inside one
(`drp.questions.importers.value_paths`). Without a column, the field is not read.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Literal, TypeAlias

from drp.core import BadInputError
from drp.questions.importers.value_paths import is_known, value_at

ImportKind: TypeAlias = Literal["traces", "questions"]

FIELDS: dict[str, tuple[str, ...]] = {
    "question": ("question", "problem", "prompt", "input", "instruction", "query", "problem_statement"),
    "gold_answer": (
        "gold_answer",
        "answer",
        "gold",
        "expected_answer",
        "final_answer",
        "ground_truth",
        "reference_answer",
        "correct_answer",
        "target",
        "label",
        "reward_model.ground_truth",
        "solution",
    ),
    "thinking": (
        "thinking",
        "reasoning",
        "reasoning_content",
        "thought",
        "thoughts",
        "chain_of_thought",
        "complex_cot",
        "reasoning_trace",
        "thinking_trace",
        "thinking_trajectory",
        "thinking_trajectories",
        "think_content",
        "thinking_content",
    ),
    "response": (
        "response",
        "completion",
        "output",
        "generation",
        "content",
        "model_output",
        "trace",
        "responses",
        "completions",
        "outputs",
        "generations",
        "samples",
        "generated_text",
        "generated_solution",
        "model_response",
        "answer_content",
        "choices",
    ),
    "messages": ("messages", "conversations", "conversation", "chat", "dialogue", "text"),
    "student": ("student", "model", "model_name", "generator", "generation_model", "model_id"),
    "dataset": ("dataset", "source", "data_source"),
    "split": ("split",),
    "finish_reason": ("finish_reason", "finish_reasons", "stop_reason", "is_reasoning_complete"),
    "level": ("level", "difficulty"),
    "subject": ("subject", "topic", "category", "problem_type", "type"),
}
"""DRP's fields and the column names recognised for each, in order of preference."""

_SEPARATORS = re.compile(r"[\s-]")  # "Final Answer" and "final-answer" match final_answer
_UNREAD = ("question", "gold_answer", "thinking", "response", "messages", "student", "finish_reason")
"""Fields whose columns are not kept as `meta`: the lake has them elsewhere."""


@dataclass(frozen=True)
class ColumnMapping:
    """What is read from where.

    Attributes:
        columns: field -> column of the file, or an address inside one, for the fields that the file has.
        given: the fields that were given with `--map`.
        rivals: field -> other columns that may hold it. A row in which they say something else is not used.
        notes: why columns with a usual name are not used, for a reader.
        opens_thinking: whether responses begin within thinking, which the prompt has opened.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    rivals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    opens_thinking: bool = False

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def value(self, values: Mapping[str, Any], name: str) -> Any:
        """Return the value of the field `name` in a row; None if there is none."""
        column = self.columns.get(name)
        return None if column is None else value_at(values, column)

    def is_meta(self, column: str) -> bool:
        """Whether the values of a column are kept as they are, in `questions.meta`."""
        texts = {self.columns[name] for name in _UNREAD if name in self.columns}
        return column not in texts and self.columns.get(column) != column


@dataclass(frozen=True)
class ImportCommand:
    """The command that is under way, for messages that tell how to go on."""

    kind: ImportKind
    file: str
    """The file or files, in the words of the shell."""
    pairs: Sequence[str] = ()
    student: str | None = None

    def with_options(self, *options: str) -> str:
        """Return the command as it was given, with further options; they replace pairs of the same field."""
        fields = {pair.partition("=")[0] for pair in options}
        words = []
        for pair in self.pairs:
            if pair.partition("=")[0] not in fields:
                words += ["--map", pair]
        if self.student:
            words += ["--student", self.student]
        for pair in options:
            words += ["--map", pair]
        rest = shlex.join(words).replace("'NAME'", "NAME")
        return f"drp import {self.kind} {self.file} {rest}".rstrip()

    def with_choices(self, *choices: str) -> str:
        """Return the command with the first of several pairs, and the pairs that may stand in its place."""
        first = self.with_options(*choices[:1])
        return " or ".join([first, *(f"--map {shlex.quote(pair)}" for pair in choices[1:])])

    def refused(self, problem: str, columns: Sequence[str], *choices: str) -> BadInputError:
        """Return the error that names the pairs to choose from."""
        return self.error(problem, columns, self.with_choices(*choices))

    def error(self, problem: str, columns: Sequence[str], next_command: str) -> BadInputError:
        """Return the error for a file that is not imported, with the file's columns."""
        return BadInputError(
            f"{problem} (its columns: {', '.join(columns)})",
            state="Nothing was imported",
            next_command=next_command,
        )


def usual_columns(name: str, columns: Sequence[str]) -> list[str]:
    """Return the columns (or addresses) with a usual name of a field, in order of preference."""
    named = {_SEPARATORS.sub("_", column.lower()): column for column in reversed(columns)}
    found = []
    for alias in FIELDS[name]:
        if alias in named:
            found.append(named[alias])
        elif "." in alias and alias.partition(".")[0] in columns:
            found.append(alias)
    return found


def given_columns(command: ImportCommand, columns: Sequence[str]) -> dict[str, str]:
    """Return field -> column as given with `--map`; an empty column means that the field is not read.

    Raises:
        BadInputError: a pair has an unknown field or begins in no column of the file.
    """
    given: dict[str, str] = {}
    for pair in command.pairs:
        name, equals, column = pair.partition("=")
        if name not in FIELDS:
            problem = f"--map {pair}: {name!r} is not one of {', '.join(FIELDS)}"
            near = [f"{field}={column or 'COLUMN'}" for field in _near_fields(name)] or ["FIELD=COLUMN"]
            if column in FIELDS and name in columns:  # the two are the wrong way round
                near = [f"{column}={name}"]
            raise _without(command, pair).refused(problem, columns, *near)
        if not equals or (column and not is_known(column, columns)):
            problem = f"--map {pair}: {command.file} has no column {column!r}"
            near = get_close_matches(column, columns) or ["COLUMN"]
            raise _without(command, pair).refused(problem, columns, *(f"{name}={each}" for each in near))
        given[name] = column
    return given


def _near_fields(name: str) -> list[str]:
    """Return the fields that a misspelt field may mean: those of a usual column, or with a similar name."""
    usual = [each for each in FIELDS if usual_columns(each, [name])]
    return usual or get_close_matches(name, FIELDS, n=2)


def _without(command: ImportCommand, pair: str) -> ImportCommand:
    others = [other for other in command.pairs if other != pair]
    return ImportCommand(command.kind, command.file, others, command.student)
