"""The data catalogue, made from drp/core/lake_schemas.py and sql/:

python infra/write_table_catalogue.py > docs/catalogue.md
"""

import sys
from pathlib import Path

import pyarrow as pa

from drp.core.lake_schemas import SCHEMA_VERSION, TABLES, id_column

SQL = Path(__file__).resolve().parent.parent / "sql"

_HEAD = f"""# Data catalogue

Made by `make docs` from `drp/core/lake_schemas.py` and `sql/`; do not edit it here.
Schema version {SCHEMA_VERSION}.

Every table has a further column `run_date`, the night it was written (`DATE`). A table without rows is there
too. The first column is the row's content id. Ask with `drp sql "..."`.
"""


def catalogue() -> str:
    """The page, as Markdown."""
    sections = [_HEAD, "# Tables"]
    sections += [_table(name, schema) for name, schema in TABLES.items()]
    sections += ["# Views", *(_view(path) for path in sorted(SQL.glob("*.sql")))]
    return "\n\n".join(section.strip() for section in sections) + "\n"


def _table(name: str, schema: pa.Schema) -> str:
    rows = [f"| {_name(f, name)} | {_kind(f)} | {f.metadata[b'doc'].decode()} |" for f in schema]
    return "\n".join([f"## {name}", "", "| column | type | what it is |", "|---|---|---|", *rows])


def _name(field: pa.Field, table: str) -> str:
    return f"**`{field.name}`**" if field.name == id_column(table) else f"`{field.name}`"


def _kind(field: pa.Field) -> str:
    kind = str(field.type).replace("large_string", "string").replace(" not null", "")
    return f"`{kind}`, may be NULL" if field.nullable else f"`{kind}`"


def _view(path: Path) -> str:
    comments = [line.removeprefix("--") for line in path.read_text(encoding="utf-8").splitlines()]
    head = comments[: next(i for i, line in enumerate(comments) if not line.startswith(" "))]
    lines = [f"    {line.strip()}" if line.startswith("   ") else line.strip() for line in head]
    example = next(i for i, line in enumerate(lines) if line.startswith("    "))
    body = "\n".join([*lines[:example], "", lines[example], "", *lines[example + 1 :]])
    return f"## {path.stem}\n\n{body}"


if __name__ == "__main__":
    sys.stdout.write(catalogue())
