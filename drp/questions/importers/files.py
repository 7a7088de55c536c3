"""Import files of questions or recorded traces row by row, for `drp import`.

    for item in import_traces(Path("traces.parquet"), student="DeepSeek-R1-Distill-Qwen-7B"): ...

Every row of the file gives exactly one item: a question, a trace or a dead letter. Ids do not depend on the
order of the rows, so that a shuffled file gives the same ids.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from drp.core import DeadLetter, Question, content_id
from drp.questions.importers.columns import ColumnMapping, recognise
from drp.questions.importers.input_rows import RowFault, clean_raw
from drp.questions.importers.parsing import Defaults, RecordedTrace, parse_question, parse_trace
from drp.questions.importers.readers import columns_of, read_rows

T = TypeVar("T", Question, RecordedTrace)

RefusalRule: TypeAlias = Callable[[str, Question | None], str | None]
"""Says why a row of a source may not be imported, or None. Its question is None if it cannot be read."""


def refuse_nothing(source: str, question: Question | None) -> str | None:
    """Refuse no row."""
    return None


def import_traces(
    path: Path,
    *,
    pairs: Sequence[str] = (),
    student: str | None = None,
    refusal: RefusalRule = refuse_nothing,
) -> Iterator[RecordedTrace | DeadLetter]:
    """Read recorded traces from `path`.

    Args:
        path: the file.
        pairs: column mappings, as in `recognise`.
        student: the model of rows that do not name one.
        refusal: says which rows may not be imported. They become dead letters without their text.

    Raises:
        BadInputError: the file as a whole is unusable; raised by the call itself, before any row is read.
    """
    mapping = recognise(columns_of(path), pairs, "traces", str(path), student=student)
    defaults = Defaults(source=path.name, dataset=path.stem, student=student)
    return _imported(path, mapping, defaults, parse_trace, _trace_identity, refusal)


def import_questions(
    path: Path, *, pairs: Sequence[str] = (), refusal: RefusalRule = refuse_nothing
) -> Iterator[Question | DeadLetter]:
    """Read questions with gold answers from `path`; arguments and errors as in `import_traces`."""
    mapping = recognise(columns_of(path), pairs, "questions", str(path))
    defaults = Defaults(source=path.name, dataset=path.stem)
    return _imported(path, mapping, defaults, parse_question, _question_identity, refusal)


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


def _imported(
    path: Path,
    mapping: ColumnMapping,
    defaults: Defaults,
    parse: Callable[[Mapping[str, Any], ColumnMapping, Defaults], T | RowFault],
    identity: Callable[[T], tuple[str, dict[str, str]]],
    refusal: RefusalRule,
) -> Iterator[T | DeadLetter]:
    letters = DeadLetters(defaults.source)
    first_lines: dict[bytes, int] = {}  # kept in memory per row: its id in 16 bytes, and its line
    for row in read_rows(path):
        item = row.values if isinstance(row.values, RowFault) else parse(row.values, mapping, defaults)
        if refused := refusal(defaults.source, _question_of(item)):
            yield refused_letter(letters, row.line, refused, row.raw)
            continue
        if isinstance(item, RowFault):
            yield letters.write(row.line, item, row.raw)
            continue
        item_id, identifying = identity(item)
        first = first_lines.setdefault(bytes.fromhex(item_id), row.line)
        if first == row.line:
            yield item
        else:  # the rows may differ in columns that are not read: show what is equal
            raw = clean_raw(json.dumps(identifying, ensure_ascii=False))
            yield letters.write(row.line, RowFault("duplicate", f"the same as line {first}"), raw)


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
