"""A private PostgreSQL server on a free port, from Debian's package `postgresql`.

    with postgres() as server, server.database() as url:
        open_ledger(url)                        # postgresql+psycopg://drp:...@127.0.0.1:PORT/db_...

Its only database user needs a password. When the tests run as root, the server runs as the user postgres.
"""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.helpers.servers import free_port

PASSWORD = "secret of the test"  # noqa: S105 (a server that lives as long as its test)


def _programs() -> Path | None:
    """Return the folder of the newest installed PostgreSQL."""
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(folders, key=lambda folder: int(folder.parent.name), default=None)


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL cluster in a folder."""

    programs: Path
    folder: Path
    port: int

    def control(self, *arguments: str) -> None:
        """Run pg_ctl."""
        _as_postgres(
            [str(self.programs / "pg_ctl"), "-D", str(self.folder / "data"), "-w", "-t", "120", *arguments]
        )

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = f"-c listen_addresses=127.0.0.1 -p {self.port} -k {self.folder}"
        self.control("-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """Stop the server without a shutdown checkpoint, as after a power loss."""
        self.control("-m", "immediate", "stop")

    def url(self, database: str, password: str = PASSWORD) -> str:
        """Return the URL of a database."""
        quoted = password.replace(" ", "%20")
        return f"postgresql+psycopg://drp:{quoted}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> None:
        """Run a statement as administrator."""
        with psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="drp",
            password=PASSWORD,
            dbname="postgres",
            autocommit=True,
        ) as con:
            con.execute(statement)

    @contextmanager
    def database(self) -> Iterator[str]:
        """Create an empty database, yield its URL, and drop it afterwards."""
        name = f"db_{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def cut_connections(self) -> None:
        """Terminate all other connections."""
        self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run an empty cluster for the block. Skips the test if PostgreSQL is not installed."""
    programs = _programs()
    if programs is None:
        pytest.skip("needs PostgreSQL: apt-get install postgresql, or make test-services")
    folder = Path(tempfile.mkdtemp(prefix="drp-postgres-"))  # pytest's folder is accessible only to its user
    try:
        password_file = folder / "password"
        password_file.write_text(PASSWORD)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
            shutil.chown(password_file, "postgres")
        server = Postgres(programs, folder, free_port())
        access = ["--username=drp", "--auth=scram-sha-256", f"--pwfile={password_file}"]
        _as_postgres([str(programs / "initdb"), *access, "-E", "UTF8", "--locale=C", str(folder / "data")])
        server.start()
        try:
            yield server
        finally:
            if (folder / "data/postmaster.pid").exists():
                server.stop()
    finally:
        shutil.rmtree(folder)


def _as_postgres(program: list[str]) -> None:
    root = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    # the output goes to a file, because the server would keep a pipe open
    with tempfile.TemporaryFile("w+") as log:
        done = subprocess.run([*root, *program], cwd="/", stdout=log, stderr=log, timeout=150, check=False)
        log.seek(0)
        assert done.returncode == 0, log.read()
