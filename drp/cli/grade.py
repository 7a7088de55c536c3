"""`drp grade FILE [--format json]`: verdicts for a file of gold and prediction columns.

The suffix tells the format: .parquet, .jsonl (or .ndjson) or .csv. A prediction is a bare answer or a whole
response; of a response with a box (or GSM8K's ####) the answer is taken, anything else is compared as it is.
A row without a prediction is different, one without gold undecided.
"""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from drp.core import BadInputError, Grade
from drp.grading import Grader, grade_responses, self_test

COLUMNS = ("gold", "prediction")
_THINK_END = "</think>"


def grade_file(path: Path, workers: int) -> list[dict[str, str]]:
    """Verdicts of the rows of `path`, in order: `verdict`, `gold`, and `answer`, what was compared with it.

    Raises BadInputError for a missing or unreadable file or column, GraderSelfTestError when the grader
    fails its golden set.
    """
    rows = [(gold, prediction.rpartition(_THINK_END)[2]) for gold, prediction in _rows(path)]
    with Grader(workers) as grader:
        self_test(grader)
        responses = grade_responses(grader, [row for row in rows if _is_response(row[1])])
        answers = grader.verdicts([row for row in rows if not _is_response(row[1])])
        grades = [
            next(responses) if _is_response(prediction) else Grade(prediction, None, next(answers))
            for _, prediction in rows
        ]
    return [
        {"verdict": grade.verdict or "different", "gold": gold, "answer": grade.predicted_answer or ""}
        for (gold, _), grade in zip(rows, grades, strict=True)
    ]


def _is_response(prediction: str) -> bool:
    return "\\boxed" in prediction or "####" in prediction


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise _unusable(path, f"is none of {', '.join(_READERS)}")
    try:
        yield from reader(path)
    except (OSError, UnicodeDecodeError, csv.Error, json.JSONDecodeError, pa.ArrowException) as error:
        raise _unusable(path, f"cannot be read: {error}") from error


def _parquet(path: Path) -> Iterator[tuple[str, str]]:
    with pq.ParquetFile(path) as file:
        _check_columns(path, file.schema_arrow.names)
        for batch in file.iter_batches(columns=list(COLUMNS)):
            for gold, prediction in zip(*(batch[column].to_pylist() for column in COLUMNS), strict=True):
                yield _text(gold), _text(prediction)


def _jsonl(path: Path) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            row = json.loads(line)
            if not isinstance(row, dict):
                raise _unusable(path, f"has no JSON object on line {number}")
            _check_columns(path, list(row))
            yield _text(row["gold"]), _text(row["prediction"])


def _csv(path: Path) -> Iterator[tuple[str, str]]:
    csv.field_size_limit(1 << 30)
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        _check_columns(path, list(reader.fieldnames or ()))
        for row in reader:
            yield _text(row["gold"]), _text(row["prediction"])


_READERS: dict[str, Callable[[Path], Iterator[tuple[str, str]]]] = {
    ".parquet": _parquet,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".csv": _csv,
}


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _check_columns(path: Path, names: list[str]) -> None:
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        raise _unusable(path, f"lacks {' and '.join(missing)} (it has {', '.join(names) or 'nothing'})")


def _unusable(path: Path, problem: str) -> BadInputError:
    return BadInputError(
        f"{path} {problem}",
        state="Nothing was graded",
        next_command="drp grade FILE  (.parquet, .jsonl or .csv, with the columns gold and prediction)",
    )
