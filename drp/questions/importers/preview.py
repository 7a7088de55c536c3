"""Show how an import would read its input, without importing: `drp import traces FILE --dry-run`."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from drp.core import Question
from drp.questions.importers.columns import FIELDS, ImportKind
from drp.questions.importers.files import ImportReading, open_questions, open_traces
from drp.questions.importers.input_addresses import ImportInput
from drp.questions.importers.input_rows import InputRow, RowFault
from drp.questions.importers.parsing import RecordedTrace
from drp.questions.importers.readers import head_of

ROWS = 3
_SHOWN = 160


@dataclass(frozen=True)
class Preview:
    """How an input would be read.

    Attributes:
        guess: rows of field, column, what the column holds.
        notes: columns with a usual name that are not used, and why.
        rows: for each of the first rows, its place and its items, each as rows of field and value.
        counts: what the first 1,000 rows give: traces or questions, and faults by name.
    """

    guess: Sequence[tuple[str, str, str]]
    notes: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Sequence[tuple[str, str]]]]]
    counts: Counter[str]


def preview(
    source: ImportInput, *, kind: ImportKind, pairs: Sequence[str] = (), student: str | None = None
) -> Preview:
    """Guess the columns and read the first rows.

    Raises:
        BadInputError: as in `import_traces`.
    """
    reading = (
        open_traces(source, pairs=pairs, student=student)
        if kind == "traces"
        else open_questions(source, pairs=pairs)
    )
    return _preview(reading, head_of(source))


def _preview(
    reading: ImportReading[RecordedTrace] | ImportReading[Question], head: Sequence[InputRow]
) -> Preview:
    guess = reading.guess
    columns = guess.mapping.columns
    lines = [
        (
            name,
            columns[name],
            f"{guess.content(columns[name]).kind} in {guess.content(columns[name]).filled} rows",
        )
        for name in FIELDS
        if name in columns
    ]
    counts: Counter[str] = Counter()
    for row in head:
        counts.update(_outcome(item) for item in reading.parsed(row))
    rows = [(row.place, [list(_shown(item)) for item in reading.parsed(row)]) for row in head[:ROWS]]
    return Preview(lines, guess.mapping.notes, rows, counts)


def _outcome(item: object) -> str:
    if isinstance(item, RowFault):
        return item.error
    return "traces" if isinstance(item, RecordedTrace) else "questions"


def _shown(item: Question | RecordedTrace | RowFault) -> Iterator[tuple[str, str]]:
    if isinstance(item, RowFault):
        yield "dead letter", f"{item.error}: {item.detail}"
        return
    question = item.question if isinstance(item, RecordedTrace) else item
    yield "question", _cut(question.question)
    yield "gold_answer", _cut(question.gold_answer)
    if isinstance(item, RecordedTrace):
        yield "thinking", _cut(item.thinking)
        yield "response", _cut(item.response)
        yield "student", item.student
        yield "finish_reason", item.finish_reason
    for name in ("dataset", "split", "level", "subject", "meta"):
        if value := getattr(question, name):
            yield name, _cut(value)


def _cut(text: str) -> str:
    """Return the two ends of a text on one line, with its length."""
    line = " ".join(text.split())
    if len(line) <= _SHOWN:
        return line
    return f"{line[: _SHOWN // 2]} … {line[-_SHOWN // 2 :]} ({len(text):,} characters)"
