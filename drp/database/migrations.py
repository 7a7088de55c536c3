"""Bring tables to the newest revision. Old tables are migrated; those of a newer drp are refused.

Each package with tables has a folder of revisions, `migrations/versions`, and a version table that holds the
revision of the database. All packages share Alembic's `env.py`, in the folder `alembic/` here.
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
"""Key of the advisory lock on PostgreSQL. On SQLite the write lock serves the same purpose."""


def migrate(database: Database, folder: Path, version_table: str) -> None:
    """Bring the tables to the newest revision in `folder`/versions, one process at a time.

    Args:
        database: the database with the tables.
        folder: the folder whose subfolder `versions` holds the revisions.
        version_table: the table that holds the revision of the database; each folder has a separate one.

    Raises:
        DatabaseTooNewError: the tables have a revision that is not in `folder`.
    """
    config = Config()
    for option, path in (("script_location", _SCRIPTS), ("version_locations", folder / "versions")):
        config.set_main_option(option, str(path).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")  # a path may contain spaces
    scripts = ScriptDirectory.from_config(config)
    head = scripts.get_current_head()
    known = {script.revision for script in scripts.walk_revisions()}

    def current_revision(con: Connection) -> str | None:
        context = MigrationContext.configure(con, opts={"version_table": version_table})
        revision = context.get_current_revision()
        if revision is not None and revision not in known:
            raise DatabaseTooNewError(database.address, revision, str(head))
        return revision

    def upgrade(con: Connection) -> None:
        if con.dialect.name == "postgresql":
            con.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        if current_revision(con) != head:  # else another process has migrated them meanwhile
            config.attributes |= {"connection": con, "version_table": version_table}
            command.upgrade(config, "head")

    with database.reading() as con:
        revision = current_revision(con)
    if revision != head:
        database.write(upgrade)
