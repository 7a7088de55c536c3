"""Rows of a DuckDB result as a table to look at, or as CSV or JSON to take elsewhere.

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
"""So many rows are shown as a table; CSV and JSON have all."""
CELL_CHARACTERS = 100
"""A longer text is cut in a table; CSV and JSON have all of it."""
_BATCH = 1024
_UNBOUNDED = 1_000_000


def run_query(con: duckdb.DuckDBPyConnection, query: str, form: Format, out: TextIO) -> None:
    """Run one reading query in a session of `open_session` and write its rows to `out`.

    Rows are written in batches: memory does not grow with their number.

    - `table`: the first 200 rows in a box, or column by column where the terminal is too narrow; the last
      line says how many there are and whether something was cut.
    - `csv`: RFC 4180 with a header; NULL is empty, a list or struct is JSON.
    - `json`: a list of objects; not-a-number and infinities are null, times are ISO 8601, decimals numbers
      (strings where a double would change them).

    Raises:
        QueryError: it cannot be parsed or run.
        QueryRefusedError: it would do more than read the corpus.
    """
    check_statement(con, query)
    try:
        con.execute(query)
        write_rows([column[0] for column in con.description or ()], _rows(con), form, out)
    except duckdb.Error as error:
        raise explain(error) from error


def write_rows(names: Sequence[str], rows: Iterable[Sequence[Any]], form: Format, out: TextIO) -> None:
    """Write rows with columns of these names to `out`, in the forms of `run_query`."""
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
    keys = _distinct(names)
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
            return value  # as they are: CSV has no type that NaN or many digits could break
        case _:
            return _json_value(value)


def _distinct(names: Sequence[str]) -> list[str]:
    """Names of one object: a second `n` becomes `n_1`."""
    seen: list[str] = []
    for name in names:
        candidate, number = name, 0
        while candidate in seen:
            number += 1
            candidate = f"{name}_{number}"
        seen.append(candidate)
    return seen


def _cell(value: Any) -> tuple[Text, bool]:
    """What a table shows of a value, and whether it was cut."""
    if value is None:
        return Text("NULL", style="dim"), False
    if isinstance(value, float):
        return Text(f"{value:.6g}" if abs(value) < 1e6 else f"{value:.1f}"), False
    text = str(_csv_cell(value))
    shown = text[:CELL_CHARACTERS]
    # A trace is a stranger's text: nothing in it may steer the terminal.
    printable = "".join(c if c.isprintable() else " " for c in shown)
    return Text(printable + ("…" if len(text) > len(shown) else "")), len(text) > len(shown)


def _write_table(names: Sequence[str], rows: Sequence[Sequence[Any]], out: TextIO) -> None:
    if names == ["explain_key", "explain_value"]:
        out.writelines(f"{value}\n" for _, value in rows)
        return
    shown = rows[:TABLE_ROWS]
    cells = [[_cell(value) for value in row] for row in shown]
    table = Table(box=box.ROUNDED)
    for index, name in enumerate(names):
        numeric = any(isinstance(row[index], int | float | Decimal) for row in shown)
        table.add_column(Text(name), justify="right" if numeric else "left", no_wrap=True)
    for line in cells:
        table.add_row(*(text for text, _ in line))

    terminal = Console(file=out, highlight=False)
    width = Measurement.get(terminal, terminal.options.update(max_width=_UNBOUNDED), table).maximum
    if out.isatty() and width > terminal.width:
        for number, line in enumerate(cells, start=1):
            terminal.print(_record(number, names, [text for text, _ in line]))
    else:
        Console(file=out, highlight=False, width=width).print(table)

    more = len(rows) > TABLE_ROWS
    cut = more or any(was_cut for line in cells for _, was_cut in line)
    count = f"the first {TABLE_ROWS} rows" if more else f"{len(rows)} row{'' if len(rows) == 1 else 's'}"
    out.write(f"{count}{'; --format csv or json gives everything' if cut else ''}\n")


def _record(number: int, names: Sequence[str], texts: Sequence[Text]) -> Table:
    """One row, a line a column."""
    record = Table(box=box.SIMPLE, show_header=False, title=f"row {number}", title_justify="left")
    for name, text in zip(names, texts, strict=True):
        record.add_row(Text(name, style="bold"), text)
    return record
