"""Guess from the names and the contents of a file's columns which of them hold the fields of an import.

A guess that is in doubt is refused with the `--map` that settles it: two columns say different things for one
field, or no row of the sample gives a question, a gold answer, or thinking.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from drp.core import BadInputError
from drp.questions.importers.ambiguous_columns import complements, rival_fault
from drp.questions.importers.column_contents import ROWS_TO_REPEAT, Content, content_of, is_worked
from drp.questions.importers.column_readings import Generation, as_generations, is_nothing, readings
from drp.questions.importers.columns import (
    ColumnMapping,
    ImportCommand,
    given_columns,
    usual_columns,
)
from drp.questions.importers.proposals import kinship, proposed, speaks_for
from drp.questions.importers.value_paths import JOIN, value_at

_OTHER_FIELDS = ("dataset", "split", "finish_reason", "level", "subject")


class Guess:
    """The guess for one file, field by field."""

    def __init__(self, sample: Sequence[Mapping[str, Any]], command: ImportCommand) -> None:
        self.sample = sample
        self.command = command
        self.columns = list(dict.fromkeys(name for row in sample for name in row))
        self.given = given_columns(command, self.columns)
        self.chosen = {name: column for name, column in self.given.items() if column}
        self.rivals: dict[str, tuple[str, ...]] = {}
        self.notes: list[str] = []
        self._contents: dict[str, Content] = {}
        self._choose_all()

    def content(self, column: str) -> Content:
        if column not in self._contents:
            self._contents[column] = content_of(self.sample, column)
        return self._contents[column]

    def _usual(self, name: str) -> list[str]:
        """The columns with a usual name of a field that are not mapped to another field."""
        taken = {column for field, column in self.given.items() if field != name}
        return [c for c in usual_columns(name, self.columns) if c not in taken or name == "messages"]

    def _choose(self, name: str, columns: Sequence[str], rivals: Sequence[str] = ()) -> None:
        """Take the first of the columns; the others, and `rivals`, must agree with it."""
        if name in self.given or not columns:
            return
        self.chosen[name] = columns[0]
        if others := tuple(dict.fromkeys(c for c in (*columns[1:], *rivals) if c != columns[0])):
            self.rivals[name] = others

    def _choose_all(self) -> None:
        self._choose("messages", self._conversations()[:1])
        self._question()
        self._gold()
        if self.command.kind == "traces":
            self._thinking()
            self._response()
            self._student()
        for name in _OTHER_FIELDS:
            free = [c for c in self._usual(name) if c not in self.chosen.values()]
            self._choose(name, [c for c in free if self.content(c).kind != "nothing"][:1])

    def _conversations(self) -> list[str]:
        return [c for c in self._usual("messages") if self.content(c).kind == "conversations"]

    def _question(self) -> None:
        usual = self._usual("question")
        filled = [c for c in usual if self.content(c).kind not in ("nothing", "verdicts")]
        texts = [c for c in filled if self.content(c).length or self.content(c).kind == "conversations"]
        conversations = [c for c in self._conversations() if c not in usual]
        if filled or not conversations:
            empty = [c for c in usual if self.content(c).kind == "nothing"]
            # The shortest first: a prompt may be the question with an instruction around it.
            texts.sort(key=lambda c: (self.content(c).kind == "conversations", self.content(c).length))
            self._choose("question", texts or filled or empty, [*empty, *conversations])

    def _gold(self) -> None:
        usual = [c for c in self._usual("gold_answer") if not self._is_response(c)]
        verdicts = [c for c in usual if self._is_verdict(c)]
        self.notes += [f"{c} holds verdicts ({self.content(c).example}), not gold answers" for c in verdicts]
        budgets = [c for c in usual if self._is_budget(c)]
        self.notes += [f"{c} is the same number in every row ({self._values(c)[0]})" for c in budgets]
        empty = [c for c in usual if self.content(c).kind == "nothing"]
        filled = [c for c in usual if c not in (*verdicts, *budgets, *empty)]
        filled.sort(key=self._is_solution)  # final answers first
        self._choose("gold_answer", filled or empty[:1])

    def _is_verdict(self, column: str) -> bool:
        # 0 and 1 may be answers, but those of a label or target tell right from wrong.
        first = next(iter(self._values(column)), None)
        is_number = isinstance(first, int) and not isinstance(first, bool)
        is_label = column.lower() in ("label", "target")
        return self.content(column).kind == "verdicts" and (is_label or not is_number)

    def _is_budget(self, column: str) -> bool:
        """Whether a label or target is one number for all questions, such as a number of tokens."""
        values = self._values(column) if column.lower() in ("label", "target") else []
        return (
            len(values) >= ROWS_TO_REPEAT and self.content(column).kind == "numbers" and len(set(values)) == 1
        )

    def _values(self, column: str) -> list[Any]:
        return [value for row in self.sample if not is_nothing(value := value_at(row, column))]

    def _is_response(self, column: str) -> bool:
        content = self.content(column)
        return content.is_marked or content.kind == "conversations"

    def _is_solution(self, column: str) -> bool:
        if self.content(column).kind == "prose":
            return True
        values = self._values(column)
        texts = [value for value in values if isinstance(value, str)]
        return column.lower() == "solution" or sum(
            "\\boxed" in text or bool(re.search(r"\. |: ", text)) for text in texts
        ) * 2 > len(values)

    def _thinking(self) -> None:
        usual = self._usual("thinking")
        proper = []
        for column in usual:
            content = self.content(column)
            if content.kind in ("labels", "verdicts", "numbers"):
                self.notes.append(f"{column} holds labels ({content.example}), not reasoning")
            elif content.kind != "nothing":
                proper.append(column)
        empty = [c for c in usual if self.content(c).kind == "nothing"]
        self._choose("thinking", proper, empty)

    def _response(self) -> None:
        taken = self.chosen.values()
        free = [c for c in self._usual("response") if c not in taken]
        empty = [c for c in free if self.content(c).kind == "nothing"]
        filled = [c for c in free if c not in empty and self.content(c).kind != "verdicts"]
        filled += [c for c in self._conversations() if c not in filled and self._answers(c)]
        if "thinking" not in self.chosen and not any(self._is_response(c) for c in filled):
            # Thinking between marks tells a response whatever its column is called.
            filled = [c for c in self.columns if c not in taken and self.content(c).is_marked] or filled
        # The options of a multiple-choice question are no replies of a server.
        filled = [c for c in filled if c.lower() != "choices" or self._has_replies(c)]
        filled.sort(key=self._preference)
        self._choose("response", filled or empty, empty)

    def _has_replies(self, column: str) -> bool:
        values = [as_generations(value) for value in self._values(column)]
        return any(isinstance(value, list) and isinstance(value[0], Mapping) for value in values)

    def _answers(self, column: str) -> int:
        """Number of generations that a column has in the first rows."""
        values = [as_generations(value_at(row, column)) for row in self.sample[:20]]
        found = [reading for value in values for reading in readings(value)]
        return sum(not isinstance(r, Generation) or bool(r.thinking or r.response) for r in found)

    def _preference(self, column: str) -> tuple[int, int]:
        """Columns with more generations come first, then those in which thinking is marked."""
        return -self._answers(column), not self.content(column).is_marked

    def _student(self) -> None:
        usual = [c for c in self._usual("student") if self.content(c).kind != "nothing"]
        self._choose("student", usual or self._usual("student"))

    @property
    def mapping(self) -> ColumnMapping:
        """What is read from where."""
        response = self.chosen.get("response")
        opens_thinking = response is not None and self.content(response).is_opened_before
        return ColumnMapping(
            self.chosen, frozenset(self.given), self.rivals, tuple(self.notes), opens_thinking
        )

    def forget_sample(self) -> None:
        """Release the first rows, which may be long, once the guess is made."""
        self.sample = ()

    def refusal(self, problem: str, *choices: str) -> BadInputError:
        """Return the error that says what is in doubt, and what settles it."""
        notes = f" ({'; '.join(self.notes)})" if self.notes else ""
        return self.command.refused(f"{self.command.file}: {problem}{notes}", self.columns, *choices)

    def refuse_doubts(self) -> None:
        """Refuse a guess that lacks a field, or in which two columns disagree."""
        if missing := self._missing():
            raise self.refusal(f"no column is recognised as {missing}", *self.suggestions(missing))
        mapping = self.mapping
        shards = {name: complements(name, self.sample, mapping) for name in mapping.rivals}
        if joins := [f"{name}={JOIN.join(columns)}" for name, columns in shards.items() if columns]:
            columns = next(filter(None, shards.values()))
            problem = (
                f"{self.command.file}: some rows have {columns[0]}, and others {columns[1]} in its place"
            )
            raise self.command.error(problem, self.columns, self.command.with_options(*joins))
        for row in self.sample:
            if fault := rival_fault(row, mapping):
                name = fault.choices[0].partition("=")[0]
                others = [c for c in mapping.rivals[name] if self.content(c).kind != "nothing"]
                choices = dict.fromkeys([*fault.choices, *(f"{name}={column}" for column in others)])
                raise self.refusal(fault.detail, *choices)
        if self.command.kind == "traces" and "student" not in mapping and not self.command.student:
            raise self.command.error(
                f"{self.command.file} does not name the model that wrote the traces",
                self.columns,
                f"{self.command.with_options()} --student NAME (or --map student=COLUMN)",
            )

    def _missing(self) -> str | None:
        if "question" not in self.chosen and "messages" not in self.chosen:
            return "question"
        if "gold_answer" not in self.chosen:
            return "gold_answer"
        if self.command.kind == "traces" and not {"thinking", "response"} & self.chosen.keys():
            return "thinking"
        return None

    def suggestions(self, name: str) -> list[str]:
        """Return the pairs that may give a field that was not found, the likeliest first."""
        unused = [c for c in self.columns if c not in self.chosen.values() and not self._is_budget(c)]
        unused.sort(key=lambda column: self.content(column).length, reverse=name != "gold_answer")
        return proposed(name, self.sample, unused) or [f"{name}=COLUMN"]

    def possible_responses(self) -> list[str]:
        """Return columns that may hold the response, if no column was recognised as that."""
        if "response" in self.given or "response" in self.chosen:
            return []
        gold = self.chosen.get("gold_answer", "")
        thinking = self.chosen.get("thinking", "")
        others = [c for c in self.columns if c not in self.chosen.values() and not speaks_for("thinking", c)]
        pairs = proposed("response", self.sample, sorted(others, key=lambda c: -kinship(c, thinking)))
        texts = [pair.partition("=")[2] for pair in pairs]
        texts += [column for column in others if column not in texts and self._holds_responses(column)]
        if gold and self.content(gold).kind in ("prose", "values") and self._is_solution(gold):
            texts.append(gold)
        return texts[:3]

    def _holds_responses(self, column: str) -> bool:
        """Whether a structure or a list holds prose, or a box."""
        if self.content(column).is_plain:
            return False
        values = [as_generations(value_at(row, column)) for row in self.sample[:20]]
        found = [r for value in values for r in readings(value) if isinstance(r, Generation)]
        return any(is_worked(r.response) or "\\boxed" in r.response for r in found)


def recognise(sample: Sequence[Mapping[str, Any]], command: ImportCommand) -> Guess:
    """Map columns to fields by the first rows of a file; pairs given with `--map` come first.

    Raises:
        BadInputError: a pair is malformed, a required field is not found, two columns disagree, or traces
            have neither a model column nor a `student`.
    """
    guess = Guess(sample, command)
    guess.refuse_doubts()
    return guess
