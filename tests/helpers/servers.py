"""Private S3 servers on free ports, and a proxy that injects faults.

    with moto() as server, Proxy(server) as proxy:
        proxy.faults.append(Fault(503, "SlowDown", times=3))

moto keeps objects in memory, supports conditional writes and accepts any key. rclone serves a folder, checks
keys and ignores conditional writes. The lake has to work with both.
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
    """Endpoint of a server, and keys that it accepts."""

    endpoint: str
    key: str = "key"
    secret: str = "secret-of-the-test"  # noqa: S105 (a server that lives as long as its test)

    def environment(self) -> dict[str, str]:
        """Return the environment variables that make boto3, and so the lake, use only this server."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def make_bucket(self, name: str) -> None:
        """Create a bucket without the lake's own code."""
        boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            region_name="us-east-1",
            config=Config(retries={"mode": "standard", "total_max_attempts": 3}),
        ).create_bucket(Bucket=name)


def use(patch: pytest.MonkeyPatch, server: S3Server, address: str | None = None) -> None:
    """Let this process and its children use `server`, and the lake at `address` if given."""
    for name, value in server.environment().items():
        patch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "AWS_REGION"):
        patch.delenv(name, raising=False)
    if address is not None:
        patch.setenv("DRP_LAKE", address)
    forget()


def forget() -> None:
    """Clear the caches of settings and stores."""
    settings.cache_clear()
    open_store.cache_clear()


@contextmanager
def moto() -> Iterator[S3Server]:
    """Run an empty moto server."""
    port = free_port()
    program = [sys.executable, "-m", "tests.helpers.moto_server", "-H", "127.0.0.1", "-p", str(port)]
    with _running(program, f"http://127.0.0.1:{port}") as endpoint:
        yield S3Server(endpoint)


@contextmanager
def rclone(folder: Path, port: int | None = None) -> Iterator[S3Server]:
    """Run rclone on a folder, whose subfolders are the buckets."""
    assert RCLONE.is_file(), "run make test-services, which installs what this needs"
    address = f"127.0.0.1:{port or free_port()}"
    server = S3Server(f"http://{address}")
    program = [str(RCLONE), "serve", "s3", "--addr", address, "--auth-key", f"{server.key},{server.secret}"]
    with _running([*program, "--config", "/dev/null", str(folder)], server.endpoint):
        yield server


def free_port() -> int:
    """Return an unused port."""
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
    except HTTPError:  # an error status is an answer too
        return True
    except OSError:
        return False
    return True


@dataclass
class Fault:
    """A fault for requests with one of these methods whose path contains `key`.

    `status` and `code` replace the server's response. With status 0 the server handles the request, but its
    response is lost.
    """

    status: int
    code: str = "InternalError"
    methods: str = "GET HEAD PUT POST DELETE"
    key: str = ""
    times: float = math.inf

    def fits(self, method: str, path: str) -> bool:
        """Return whether the fault applies to this request."""
        return self.times > 0 and method in self.methods.split() and self.key in unquote(path)


READ_ONLY = Fault(403, "AccessDenied", "PUT POST DELETE")
"""Write access is denied."""
CONDITIONS = frozenset({"if-match", "if-none-match"})
"""Headers that a server without conditional writes ignores."""


@dataclass
class Proxy:
    """Forwards requests to a server, except for its `faults` and for headers that it drops."""

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
        """The server as seen through the proxy."""
        port = self._listener.server_address[1]
        return S3Server(f"http://127.0.0.1:{port}", self.server.key, self.server.secret)

    def fault(self, method: str, path: str) -> Fault | None:
        """Return the fault for an incoming request, and count it."""
        with self._lock:
            matching = next((fault for fault in self.faults if fault.fits(method, path)), None)
            if matching is not None:
                matching.times -= 1
            return matching


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    proxy: Proxy

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that hang up: they are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.server.proxy.fault(self.command, self.path)
        if fault is not None and fault.status:
            body = f"<Error><Code>{fault.code}</Code><Message>as the test wants</Message></Error>".encode()
            self._answer(fault.status, [("Content-Type", "application/xml")], body)
            return
        upstream = http.client.HTTPConnection(self.server.proxy.server.endpoint.removeprefix("http://"))
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in {"expect", "connection", *self.server.proxy.drops}:
                upstream.putheader(name, value)
        upstream.endheaders(body)
        response = upstream.getresponse()
        data = response.read()
        upstream.close()
        if fault is not None:  # the response is lost
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        excluded = {"transfer-encoding", "connection", "content-length", "server", "date"}
        headers = [(n, v) for n, v in response.getheaders() if n.lower() not in excluded]
        if self.command == "HEAD" and (length := response.getheader("Content-Length")):
            headers.append(("Content-Length", length))
        self._answer(response.status, headers, data)

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
        """Do not log."""

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _forward  # noqa: N815 (http.server's names)
