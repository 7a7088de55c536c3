"""S3 servers of one's own, on free ports of this machine, and a proxy that makes their answers go wrong.

    with moto() as server, Proxy(server) as proxy:
        proxy.faults.append(Fault(503, "SlowDown", times=3))

moto keeps objects in memory, knows conditional writes and lets every key in; rclone serves a folder, checks
keys and ignores conditional writes. They disagree on purpose: the lake has to cope with both.
"""

import http.client
import math
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.error import HTTPError
from urllib.parse import unquote

import boto3
import pytest
from botocore.config import Config

from drp.config.settings import settings
from drp.storage.factory import open_store

ROOT = Path(__file__).resolve().parents[2]
RCLONE = ROOT / "build/rclone/rclone"
_START_LIMIT_S = 60


@dataclass(frozen=True)
class S3Server:
    """Where a server listens, and keys that it lets in."""

    endpoint: str
    key: str = "key"
    secret: str = "secret-of-the-test"  # noqa: S105 (a server that lives as long as its test)

    def environment(self) -> dict[str, str]:
        """What makes boto3, and so the lake, find this server and nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def make_bucket(self, name: str) -> None:
        """Make a bucket as its owner does, beside the lake's own code."""
        boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            region_name="us-east-1",
            config=Config(retries={"mode": "standard", "total_max_attempts": 3}),
        ).create_bucket(Bucket=name)


def use(patch: pytest.MonkeyPatch, server: S3Server, address: str | None = None) -> None:
    """Let this process, and what it starts, use `server`, and the lake at `address` if one is given."""
    for name, value in server.environment().items():
        patch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "AWS_REGION"):
        patch.delenv(name, raising=False)
    if address is not None:
        patch.setenv("DRP_LAKE", address)
    forget()


def forget() -> None:
    """Read settings and open stores anew."""
    settings.cache_clear()
    open_store.cache_clear()


@contextmanager
def moto() -> Iterator[S3Server]:
    """An empty moto."""
    port = free_port()
    program = [sys.executable, "-m", "tests.helpers.moto_server", "-H", "127.0.0.1", "-p", str(port)]
    with _running(program, f"http://127.0.0.1:{port}") as endpoint:
        yield S3Server(endpoint)


@contextmanager
def rclone(folder: Path, port: int | None = None) -> Iterator[S3Server]:
    """rclone on a folder, whose folders are the buckets."""
    assert RCLONE.is_file(), "run make test-services, which installs what this needs"
    address = f"127.0.0.1:{port or free_port()}"
    server = S3Server(f"http://{address}")
    program = [str(RCLONE), "serve", "s3", "--addr", address, "--auth-key", f"{server.key},{server.secret}"]
    with _running([*program, "--config", "/dev/null", str(folder)], server.endpoint):
        yield server


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(program: Sequence[str], endpoint: str) -> Iterator[str]:
    server = subprocess.Popen(program, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + _START_LIMIT_S
        while not _answers(endpoint):
            assert server.poll() is None, f"{program[0]} ended with status {server.returncode}"
            assert time.monotonic() < deadline, f"{program[0]} does not answer"
            time.sleep(0.05)
        yield endpoint
    finally:
        server.terminate()
        server.wait(30)


def _answers(endpoint: str) -> bool:
    try:
        urllib.request.urlopen(endpoint, timeout=5).close()  # noqa: S310 (this machine)
    except HTTPError:  # an answer, if not to our liking
        return True
    except OSError:
        return False
    return True


@dataclass
class Fault:
    """What goes wrong with requests of these methods whose path has `key` in it.

    `status` and `code` are the answer instead of the server's; with status 0 the server does what it is
    asked, and its answer is lost on the way.
    """

    status: int
    code: str = "InternalError"
    methods: str = "GET HEAD PUT POST DELETE"
    key: str = ""
    times: float = math.inf

    def fits(self, method: str, path: str) -> bool:
        """Whether it befalls this request."""
        return self.times > 0 and method in self.methods.split() and self.key in unquote(path)


READ_ONLY = Fault(403, "AccessDenied", "PUT POST DELETE")
"""Keys that may only read."""
CONDITIONS = frozenset({"if-match", "if-none-match"})
"""Headers that a server without conditional writes ignores."""


@dataclass
class Proxy:
    """Hands requests on to a server, but for its `faults`, and for headers that it drops."""

    server: S3Server
    faults: list[Fault] = field(default_factory=list)
    drops: frozenset[str] = frozenset()

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._listener = _Listener(("127.0.0.1", 0), _Handler)
        self._listener.proxy = self
        threading.Thread(target=self._listener.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown()
        self._listener.server_close()

    @property
    def front(self) -> S3Server:
        """The server as its clients see it."""
        port = self._listener.server_address[1]
        return S3Server(f"http://127.0.0.1:{port}", self.server.key, self.server.secret)

    def fault(self, method: str, path: str) -> Fault | None:
        """The fault of a request that has come in, which counts as one of its times."""
        with self._lock:
            found = next((fault for fault in self.faults if fault.fits(method, path)), None)
            if found is not None:
                found.times -= 1
            return found


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    proxy: Proxy

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def _hand_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.server.proxy.fault(self.command, self.path)
        if fault is not None and fault.status:
            said = f"<Error><Code>{fault.code}</Code><Message>as the test wants</Message></Error>".encode()
            self._answer(fault.status, [("Content-Type", "application/xml")], said)
            return
        upstream = http.client.HTTPConnection(self.server.proxy.server.endpoint.removeprefix("http://"))
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in {"expect", "connection", *self.server.proxy.drops}:
                upstream.putheader(name, value)
        upstream.endheaders(body)
        answer = upstream.getresponse()
        data = answer.read()
        upstream.close()
        if fault is not None:  # its answer is lost
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        left_out = {"transfer-encoding", "connection", "content-length", "server", "date"}
        headers = [(n, v) for n, v in answer.getheaders() if n.lower() not in left_out]
        if self.command == "HEAD" and (length := answer.getheader("Content-Length")):
            headers.append(("Content-Length", length))
        self._answer(answer.status, headers, data)

    def _answer(self, status: int, headers: list[tuple[str, str]], data: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if self.command == "HEAD":
            data = b""
        elif status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Silence."""

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _hand_on  # noqa: N815 (http.server's names)
