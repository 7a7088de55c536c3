"""For tests that want them: the `drp` command, and an S3 server (moto, from the dev lock, one a process)."""

import io
import sys
import uuid
from collections.abc import Callable, Iterator

import pytest

from drp.cli.main import main
from tests.helpers import servers


@pytest.fixture(scope="session")
def moto() -> Iterator[servers.S3Server]:
    """A running moto."""
    with servers.moto() as server:
        yield server


@pytest.fixture
def bucket(moto: servers.S3Server) -> str:
    """A new bucket in moto."""
    name = f"b-{uuid.uuid4().hex}"
    moto.make_bucket(name)
    return name


@pytest.fixture
def s3_address(moto: servers.S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of an empty place in moto that DRP_LAKE names; the prefix has a space."""
    address = f"s3://{bucket}/a lake"
    servers.use(monkeypatch, moto, address)
    yield address
    servers.forget()


@pytest.fixture
def proxy(
    moto: servers.S3Server, s3_address: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[servers.Proxy]:
    """What stands between us and moto from now on; it hands all requests on until told otherwise."""
    with servers.Proxy(moto) as between:
        servers.use(monkeypatch, between.front)
        yield between


@pytest.fixture
def drp(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs a command; gives exit status, standard output and standard error."""

    def run(*words: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["drp", *words])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as done:
            main()
            raise SystemExit(0)
        captured = capsys.readouterr()
        return int(done.value.code or 0), captured.out, captured.err

    return run
