"""Bring tables to the newest revision: old ones are migrated, those of a newer drp are refused.

Each package that has tables has a folder of revisions, `migrations/versions`, and its own table that holds
the revision of the database. The packages share Alembic's `env.py`, in `alembic/` beside this file.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select

from drp.database.engine import Database
from drp.database.errors import DatabaseTooNewError

_SCRIPTS = Path(__file__).with_name("alembic")
_LOCK = 0x6472705F6C656467
"""Key of PostgreSQL's advisory lock; SQLite's write lock needs no name."""


def migrate(database: Database, folder: Path, version_table: str) -> None:
    """Bring the tables to the newest revision in `folder`/versions, one process at a time.

    Args:
        database: where the tables are.
        folder: its subfolder `versions` holds the revisions.
        version_table: table that holds the revision of the database; each folder has its own.

    Raises:
        DatabaseTooNewError: the tables are of a revision that is not in `folder`.
    """
    config = Config()
    for option, path in (("script_location", _SCRIPTS), ("version_locations", folder / "versions")):
        config.set_main_option(option, str(path).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")  # a path may have spaces
    scripts = ScriptDirectory.from_config(config)
    head = scripts.get_current_head()
    known = {script.revision for script in scripts.walk_revisions()}

    def revision(con: Connection) -> str | None:
        found = MigrationContext.configure(con, opts={"version_table": version_table}).get_current_revision()
        if found is not None and found not in known:
            raise DatabaseTooNewError(database.address, found, str(head))
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
