"""Start a fake provider in a separate process, on a free port of this machine.

with provider(latency_s=0.1, mind="echo") as server:
    client = openai.OpenAI(base_url=server.base_url, api_key=server.key)
    server.set_faults(online={"http_500": 0.1})
    assert server.totals()["paid_twice"] == 0
"""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fake_provider.billing import NAME
from tests.fake_provider.config import KEY, Config

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Provider:
    """A running fake provider: its address, and calls for tests."""

    url: str
    folder: Path
    key: str = KEY

    @property
    def base_url(self) -> str:
        """Base URL for clients."""
        return f"{self.url}/v1"

    def books(self) -> list[dict[str, Any]]:
        """Return billed completions; the keys are those of `Books.bill`, and `at`."""
        with (self.folder / NAME).open() as lines:
            return [json.loads(line) for line in lines]

    def totals(self) -> dict[str, Any]:
        """Return asked, billed, bodies, paid_twice, nano_usd, by_mode, files."""
        return self._call("/_totals")

    def asked(self) -> dict[str, int]:
        """Return how often each body was received, by digest (books.digest)."""
        return self._call("/_asked")

    def set_faults(self, **faults: Any) -> None:
        """Replace all faults: online, rows, api (rates by name), seed, until_attempt, ..."""
        self._call("/_faults", faults)

    def set(self, **settings: Any) -> None:
        """Set fields of the configuration; `batches={...}` sets some fields of `batches`."""
        self._call("/_settings", settings)

    def restart(self, **config: Any) -> None:
        """Reset everything, including the books, with these fields of Config."""
        checked = Config.model_validate({"keys": {self.key: "ok"}, **config})
        self._call("/_restart", checked.model_dump(mode="json"))

    def _call(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(self.url + path, data, timeout=30) as answer:  # noqa: S310 (this machine)
            return json.load(answer)


@contextmanager
def provider(folder: Path | None = None, *, port: int = 0, **config: Any) -> Iterator[Provider]:
    """Run a fake provider with these fields of Config; it continues the books in `folder`."""
    checked = Config.model_validate(config)
    with tempfile.TemporaryDirectory(prefix="provider-") as temporary:
        files = Path(temporary)
        (files / "config.json").write_text(checked.model_dump_json())
        place = folder or files / "provider"
        program = [sys.executable, "-m", "tests.fake_provider", "--port", str(port)]
        program += ["--config", str(files / "config.json"), "--folder", str(place)]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("COV_CORE")}
        server = subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment)
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            assert url, f"the fake provider ended with status {server.wait()}"
            yield Provider(url, place, next(iter(checked.keys)))
        finally:
            server.kill()
            server.wait(30)
            server.stdout.close()
