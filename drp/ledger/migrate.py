"""Brings tables to the newest revision: old ones are migrated, those of a newer drp are refused.

The ledger's own tables, unless it is told otherwise: each package that has tables has a folder of revisions,
and a table for the revision that a database is at. The packages share `env.py`.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select

from drp.ledger.database import Database
from drp.ledger.errors import LedgerTooNewError

FOLDER = Path(__file__).with_name("migrations")
VERSION_TABLE = "ledger_version"
"""Not Alembic's usual name: other things of this project may live in the same database."""
_LOCK = 0x6472705F6C656467
"""Key of PostgreSQL's advisory lock; SQLite's write lock needs no name."""


def migrate(database: Database, folder: Path = FOLDER, version_table: str = VERSION_TABLE) -> None:
    """Bring the tables to the newest revision in `folder`/versions, one process at a time.

    Args:
        version_table: where the revision that the database is at stands; each folder has its own.

    Raises:
        LedgerTooNewError: the tables are of a revision that is not in `folder`.
    """
    config = Config()
    for option, path in (("script_location", FOLDER), ("version_locations", folder / "versions")):
        config.set_main_option(option, str(path).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")  # a path may have spaces
    scripts = ScriptDirectory.from_config(config)
    head = scripts.get_current_head()
    known = {script.revision for script in scripts.walk_revisions()}

    def revision(con: Connection) -> str | None:
        found = MigrationContext.configure(con, opts={"version_table": version_table}).get_current_revision()
        if found is not None and found not in known:
            raise LedgerTooNewError(database.address, found, str(head))
        return found

    def upgrade(con: Connection) -> None:
        if con.dialect.name == "postgresql":
            con.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        if revision(con) != head:  # else another process was faster
            config.attributes |= {"connection": con, "version_table": version_table}
            command.upgrade(config, "head")

    with database.reading() as con:
        found = revision(con)
    if found != head:
        database.write(upgrade)
