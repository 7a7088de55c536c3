"""A PostgreSQL of one's own, on a free port of this machine, from Debian's package `postgresql`.

    with postgres() as server, server.database() as url:
        open_ledger(url)                        # postgresql+psycopg://drp:...@127.0.0.1:PORT/db_...

Its only user besides the operating system's needs a password. As root it runs as the user postgres.
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
    """Folder of the newest PostgreSQL that Debian has installed."""
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(folders, key=lambda folder: int(folder.parent.name), default=None)


@dataclass(frozen=True)
class Postgres:
    """A cluster in a folder."""

    programs: Path
    folder: Path
    port: int

    def control(self, *words: str) -> None:
        """Run pg_ctl."""
        _as_postgres(
            [str(self.programs / "pg_ctl"), "-D", str(self.folder / "data"), "-w", "-t", "120", *words]
        )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-c listen_addresses=127.0.0.1 -p {self.port} -k {self.folder}"
        self.control("-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """End it as a power cut does."""
        self.control("-m", "immediate", "stop")

    def url(self, database: str, password: str = PASSWORD) -> str:
        """Address of a database."""
        word = password.replace(" ", "%20")
        return f"postgresql+psycopg://drp:{word}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> None:
        """Run a statement as an administrator does."""
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
        """Address of an empty database, which is dropped again."""
        name = f"db_{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def cut_connections(self) -> None:
        """End all other connections."""
        self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )


@contextmanager
def postgres() -> Iterator[Postgres]:
    """An empty cluster that runs; gone again afterwards. Skips the test where PostgreSQL is not installed."""
    programs = _programs()
    if programs is None:
        pytest.skip("needs PostgreSQL: apt-get install postgresql, or make test-services")
    folder = Path(tempfile.mkdtemp(prefix="drp-postgres-"))  # not pytest's, which lets in nobody but its user
    try:
        word = folder / "password"
        word.write_text(PASSWORD)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
            shutil.chown(word, "postgres")
        server = Postgres(programs, folder, free_port())
        access = ["--username=drp", "--auth=scram-sha-256", f"--pwfile={word}"]
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
    # Its output does not go into a pipe: the server would keep that open.
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run([*root, *program], cwd="/", stdout=said, stderr=said, timeout=150, check=False)
        said.seek(0)
        assert done.returncode == 0, said.read()
