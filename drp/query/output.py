"""Write the rows of a DuckDB result as a table for people, or as CSV or JSON for programs.

run_query(con, "SELECT * FROM students", "csv", sys.stdout)
"""

import csv
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from typing import Any, Literal, TextIO, TypeAlias

import duckdb
from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from drp.query.session import check_statement, explain

Format: TypeAlias = Literal["table", "csv", "json"]

TABLE_ROWS = 200
"""The maximum number of rows in a table. CSV and JSON have all rows."""
CELL_CHARACTERS = 100
"""The maximum length of a text in a table. CSV and JSON have whole texts."""
_BATCH = 1024
_UNBOUNDED = 1_000_000


def run_query(con: duckdb.DuckDBPyConnection, query: str, form: Format, out: TextIO) -> None:
    """Run one read-only query in a session of `open_session` and write its rows to `out`.

    CSV and JSON rows are written in batches, so that memory does not grow with their number.

    - `table`: the first 200 rows in a box, or with one line per column if the terminal is too narrow. The
      last line says how many rows there are and whether something was cut.
    - `csv`: RFC 4180 with a header; NULL is empty, a list or struct is JSON.
    - `json`: a list of objects; not-a-number and infinities are null, times are ISO 8601, decimals are
      numbers (or strings, if a double would change them).

    Raises:
        QueryError: the query cannot be parsed or run.
        QueryRefusedError: the query would do more than read the corpus.
    """
    check_statement(con, query)
    try:
        con.execute(query)
        write_rows([column[0] for column in con.description or ()], _rows(con), form, out)
    except duckdb.Error as error:
        raise explain(error) from error


def write_rows(names: Sequence[str], rows: Iterable[Sequence[Any]], form: Format, out: TextIO) -> None:
    """Write rows with these column names to `out`, in the formats of `run_query`."""
    if form == "csv":
        _write_csv(names, rows, out)
    elif form == "json":
        _write_json(names, rows, out)
    else:
        _write_table(names, list(islice(rows, TABLE_ROWS + 1)), out)


def _write_csv(names: Sequence[str], rows: Iterable[Sequence[Any]], out: TextIO) -> None:
    writer = csv.writer(out)
    writer.writerow(names)
    writer.writerows([_csv_cell(value) for value in row] for row in rows)


def _write_json(names: Sequence[str], rows: Iterable[Sequence[Any]], out: TextIO) -> None:
    keys = _unique_names(names)
    separator = "["
    for row in rows:
        values = dict(zip(keys, map(_json_value, row), strict=True))
        out.write(f"{separator}\n{json.dumps(values, ensure_ascii=False)}")
        separator = ","
    out.write("[]\n" if separator == "[" else "\n]\n")


def _rows(result: duckdb.DuckDBPyConnection) -> Iterator[Sequence[Any]]:
    while batch := result.fetchmany(_BATCH):
        yield from batch


def _json_value(value: Any) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            return float(value) if Decimal(str(float(value))) == value else str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return value.hex()
        case list() | tuple():
            return [_json_value(item) for item in value]
        case dict():
            return {str(key): _json_value(item) for key, item in value.items()}
        case _:
            return str(value)


def _csv_cell(value: Any) -> Any:
    match value:
        case bool():
            return "true" if value else "false"
        case list() | tuple() | dict():
            return json.dumps(_json_value(value), ensure_ascii=False)
        case float() | Decimal():
            return value  # unchanged: CSV can hold NaN and any number of digits
        case _:
            return _json_value(value)


def _unique_names(names: Sequence[str]) -> list[str]:
    """Make names unique, for the keys of an object: a second `n` becomes `n_1`."""
    unique: list[str] = []
    for name in names:
        candidate, number = name, 0
        while candidate in unique:
            number += 1
            candidate = f"{name}_{number}"
        unique.append(candidate)
    return unique


def _cell(value: Any) -> tuple[Text, bool]:
    """Return a value as it is shown in a table, and whether it was cut."""
    if value is None:
        return Text("NULL", style="dim"), False
    if isinstance(value, float):
        return Text(f"{value:.6g}" if abs(value) < 1e6 else f"{value:.1f}"), False
    text = str(_csv_cell(value))
    shown = text[:CELL_CHARACTERS]
    # Traces are untrusted text: they must not control the terminal.
    printable = "".join(c if c.isprintable() else " " for c in shown)
    return Text(printable + ("…" if len(text) > len(shown) else "")), len(text) > len(shown)


def _write_table(names: Sequence[str], rows: Sequence[Sequence[Any]], out: TextIO) -> None:
    if names == ["explain_key", "explain_value"]:
        out.writelines(f"{value}\n" for _, value in rows)
        return
    shown = rows[:TABLE_ROWS]
    cell_rows = [[_cell(value) for value in row] for row in shown]
    table = Table(box=box.ROUNDED)
    for index, name in enumerate(names):
        numeric = any(isinstance(row[index], int | float | Decimal) for row in shown)
        table.add_column(Text(name), justify="right" if numeric else "left", no_wrap=True)
    for cells in cell_rows:
        table.add_row(*(text for text, _ in cells))

    terminal = Console(file=out, highlight=False)
    width = Measurement.get(terminal, terminal.options.update(max_width=_UNBOUNDED), table).maximum
    if out.isatty() and width > terminal.width:
        for number, cells in enumerate(cell_rows, start=1):
            terminal.print(_record(number, names, [text for text, _ in cells]))
    else:
        Console(file=out, highlight=False, width=width).print(table)

    has_more = len(rows) > TABLE_ROWS
    is_cut = has_more or any(was_cut for cells in cell_rows for _, was_cut in cells)
    count = f"the first {TABLE_ROWS} rows" if has_more else f"{len(rows)} row{'' if len(rows) == 1 else 's'}"
    out.write(f"{count}{'; --format csv or json gives everything' if is_cut else ''}\n")


def _record(number: int, names: Sequence[str], texts: Sequence[Text]) -> Table:
    """Return a table of one row, with one line per column."""
    record = Table(box=box.SIMPLE, show_header=False, title=f"row {number}", title_justify="left")
    for name, text in zip(names, texts, strict=True):
        record.add_row(Text(name, style="bold"), text)
    return record
