"""Import files of questions or recorded traces row by row, for `drp import`.

    for item in import_traces("traces.parquet", student="DeepSeek-R1-Distill-Qwen-7B"): ...

Every row of the input gives one item, and a row with several generations one for each: a question, a trace or
a dead letter. Ids do not depend on the order of the rows, so that a shuffled file gives the same ids.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, NoReturn, TypeAlias, TypeVar

from drp.core import DeadLetter, Question, content_id
from drp.questions.importers.columns import ColumnMapping, ImportCommand
from drp.questions.importers.fault_advice import FIELD_OF, mend_of, with_address
from drp.questions.importers.guess import Guess, recognise
from drp.questions.importers.input_addresses import ImportInput, open_input
from drp.questions.importers.input_rows import InputRow, RowFault, clean_raw
from drp.questions.importers.parsing import Defaults, RecordedTrace, parse_question, parse_traces
from drp.questions.importers.readers import head_of, read_rows

T = TypeVar("T", Question, RecordedTrace)

RefusalRule: TypeAlias = Callable[[str, Question | None], str | None]
"""Says why a row of a source may not be imported, or None. Its question is None if it cannot be read."""


def refuse_nothing(source: str, question: Question | None) -> str | None:
    """Refuse no row."""
    return None


def import_traces(
    source: str | Path | ImportInput,
    *,
    pairs: Sequence[str] = (),
    student: str | None = None,
    refusal: RefusalRule = refuse_nothing,
) -> Iterator[RecordedTrace | DeadLetter]:
    """Read recorded traces.

    Args:
        source: a file, or what `open_input` found.
        pairs: column mappings, as in `columns`.
        student: the model of rows that do not name one.
        refusal: says which rows may not be imported. They become dead letters without their text.

    Raises:
        BadInputError: the input as a whole is unusable, or the guess of its columns is in doubt; raised by
            the call itself, before any row is read.
    """
    reading = open_traces(source, pairs=pairs, student=student)
    return reading.items(_trace_identity, refusal)


def import_questions(
    source: str | Path | ImportInput, *, pairs: Sequence[str] = (), refusal: RefusalRule = refuse_nothing
) -> Iterator[Question | DeadLetter]:
    """Read questions with gold answers; arguments and errors as in `import_traces`."""
    return open_questions(source, pairs=pairs).items(_question_identity, refusal)


def open_traces(
    source: str | Path | ImportInput, *, pairs: Sequence[str] = (), student: str | None = None
) -> "ImportReading[RecordedTrace]":
    """Guess how the traces of an input are read; arguments and errors as in `import_traces`."""
    return _open(source, ImportCommand("traces", "", pairs, student), parse_traces)


def open_questions(
    source: str | Path | ImportInput, *, pairs: Sequence[str] = ()
) -> "ImportReading[Question]":
    """Guess how the questions of an input are read; arguments and errors as in `import_questions`."""
    return _open(source, ImportCommand("questions", "", pairs), parse_question)


def _open(
    source: str | Path | ImportInput,
    command: ImportCommand,
    parse: Callable[[Mapping[str, Any], ColumnMapping, Defaults], list[T | RowFault]],
) -> "ImportReading[T]":
    source = source if isinstance(source, ImportInput) else open_input(source)
    head = head_of(source)
    command = replace(command, file=source.words)
    guess = recognise([row.values for row in head if isinstance(row.values, dict)], command)
    defaults = Defaults(source=source.name, dataset=source.stem, student=command.student)
    reading = ImportReading(source, guess, defaults, parse)
    reading.refuse_useless(head)
    return reading


class DeadLetters:
    """Creates the dead letters of one file.

    An id includes how often the same fault of the same row occurred before, so that equal bad rows get
    different ids and the order of the file does not matter.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._seen: Counter[str] = Counter()

    def write(self, line: int, fault: RowFault, raw: str) -> DeadLetter:
        """Return the dead letter of the row at `line`."""
        row = content_id("row", fault.error, raw)
        letter_id = content_id("dead_letter", fault.error, raw, self._seen[row])
        self._seen[row] += 1
        return DeadLetter(letter_id, self._source, line, fault.error, clean_raw(fault.detail), raw)


@dataclass(frozen=True)
class ImportReading(Generic[T]):
    """How the rows of an input become questions or traces.

    Attributes:
        source: the input.
        guess: what is read from which column.
        defaults: values for rows without the corresponding column.
        parse: makes the items of a row.
    """

    source: ImportInput
    guess: Guess
    defaults: Defaults
    parse: Callable[[Mapping[str, Any], ColumnMapping, Defaults], list[T | RowFault]]

    def parsed(self, row: InputRow) -> list[T | RowFault]:
        """Return the items of one row."""
        if isinstance(row.values, RowFault):
            return [row.values]
        mapping = self.guess.mapping
        return [
            with_address(item, row.values, mapping) if isinstance(item, RowFault) else item
            for item in self.parse(row.values, mapping, self.defaults)
        ]

    def refuse_useless(self, head: Sequence[InputRow]) -> None:
        """Refuse an input whose first rows show that the guess of its columns is wrong, or in doubt.

        Raises:
            BadInputError: no row can be used, and all share one cause; thinking is there twice and differs;
                or no trace has a response, but an unused column may hold it.
        """
        rows = [items for row in head if isinstance(row.values, dict) and (items := self.parsed(row))]
        items = [item for row in rows for item in row]
        faults = [item for item in items if isinstance(item, RowFault)]
        for fault in faults:
            if fault.choices:
                raise self.guess.refusal(fault.detail, *fault.choices)
        firsts = {row[0].error for row in rows if isinstance(row[0], RowFault)}
        if len(faults) == len(items) and len(firsts) == 1:
            self._refuse_fault(faults[0], len(rows))
        traces = [item for item in items if isinstance(item, RecordedTrace)]
        columns = self.guess.possible_responses()
        if traces and columns and not any(trace.response for trace in traces):
            raise self.guess.refusal(
                f"no response is recognised, so that the first {len(head):,} rows are unfinished traces",
                *(f"response={column}" for column in columns),
                "response=",
            )

    def _refuse_fault(self, fault: RowFault, rows: int) -> NoReturn:
        """Refuse an input in which all of the first rows have the same fault."""
        problem = f"none of the first {rows:,} rows can be used: {fault.detail}"
        if field := FIELD_OF.get(fault.error):
            raise self.guess.refusal(problem, *self.guess.suggestions(field))
        command = self.guess.command
        mend = mend_of(fault.error, fault.detail, command)
        raise command.error(f"{command.file}: {problem}", self.guess.columns, mend)

    def items(
        self, identity: Callable[[T], tuple[str, dict[str, str]]], refusal: RefusalRule
    ) -> Iterator[T | DeadLetter]:
        """Yield the items of all rows."""
        self.guess.forget_sample()
        letters = DeadLetters(self.defaults.source)
        first_places: dict[bytes, tuple[int, str]] = {}  # per row: its id in 16 bytes, and its place
        for row in read_rows(self.source):
            for item in self.parsed(row):
                if refused := refusal(self.defaults.source, _question_of(item)):
                    yield refused_letter(letters, row.line, refused, row.raw)
                    continue
                if isinstance(item, RowFault):
                    detail = f"{row.shard}: {item.detail}" if row.shard else item.detail
                    yield letters.write(row.line, RowFault(item.error, detail), row.raw)
                    continue
                item_id, identifying = identity(item)
                place, first = (row.line, row.shard), bytes.fromhex(item_id)
                if first not in first_places:
                    first_places[first] = place
                    yield item
                else:  # the rows may differ in columns that are not read: show what is equal
                    raw = clean_raw(json.dumps(identifying, ensure_ascii=False))
                    same = InputRow(first_places[first][0], {}, shard=first_places[first][1]).place
                    yield letters.write(row.line, RowFault("duplicate", f"the same as {same}"), raw)


def refused_letter(letters: DeadLetters, line: int, refused: str, raw: str) -> DeadLetter:
    """Return the dead letter of a refused row. It holds a hash instead of the row, which may not be kept."""
    return letters.write(line, RowFault("source_removed", refused), content_id("refused row", raw))


def _question_of(item: Question | RecordedTrace | RowFault) -> Question | None:
    if isinstance(item, RecordedTrace):
        return item.question
    return item if isinstance(item, Question) else None


def _question_identity(question: Question) -> tuple[str, dict[str, str]]:
    return question.question_id, {"question": question.question, "gold_answer": question.gold_answer}


def _trace_identity(trace: RecordedTrace) -> tuple[str, dict[str, str]]:
    fields = {"rollout_id": trace.rollout_id, "student": trace.student, "question": trace.question.question}
    return trace.rollout_id, fields
