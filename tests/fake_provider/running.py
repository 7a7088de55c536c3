"""A stand-in of one's own, in a process of its own, on a free port of this machine.

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

from tests.fake_provider.books import NAME
from tests.fake_provider.config import KEY, Config

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Provider:
    """Where a stand-in listens, and what only its owner may do."""

    url: str
    folder: Path
    key: str = KEY

    @property
    def base_url(self) -> str:
        """For clients."""
        return f"{self.url}/v1"

    def books(self) -> list[dict[str, Any]]:
        """All that was billed: id, mode, custom_id, model, digest, usage, fault, nano_usd, at; batch_id."""
        with (self.folder / NAME).open() as lines:
            return [json.loads(line) for line in lines]

    def totals(self) -> dict[str, Any]:
        """asked, billed, bodies, paid_twice, nano_usd, by_mode, files."""
        return self._call("/_totals")

    def asked(self) -> dict[str, int]:
        """How often each body came in, by digest (books.digest)."""
        return self._call("/_asked")

    def set_faults(self, **faults: Any) -> None:
        """Replace all faults: online, rows, api (rates by name), seed, until_attempt, ..."""
        self._call("/_faults", faults)

    def set(self, **settings: Any) -> None:
        """Set fields of the configuration; `batches={...}` sets some fields of it."""
        self._call("/_settings", settings)

    def restart(self, **config: Any) -> None:
        """Forget everything, books too, and be as if started with these fields of Config."""
        checked = Config.model_validate({"keys": {self.key: "ok"}, **config})
        self._call("/_restart", checked.model_dump(mode="json"))

    def _call(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(self.url + path, data, timeout=30) as answer:  # noqa: S310 (this machine)
            return json.load(answer)


@contextmanager
def provider(folder: Path | None = None, *, port: int = 0, **config: Any) -> Iterator[Provider]:
    """A running stand-in with the fields of Config as given; it goes on with the books in `folder`."""
    checked = Config.model_validate(config)
    with tempfile.TemporaryDirectory(prefix="provider-") as temporary:
        own = Path(temporary)
        (own / "config.json").write_text(checked.model_dump_json())
        place = folder or own / "provider"
        program = [sys.executable, "-m", "tests.fake_provider", "--port", str(port)]
        program += ["--config", str(own / "config.json"), "--folder", str(place)]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("COV_CORE")}
        server = subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment)
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            assert url, f"the stand-in ended with status {server.wait()}"
            yield Provider(url, place, next(iter(checked.keys)))
        finally:
            server.kill()  # a provider owes nobody a farewell
            server.wait(30)
            server.stdout.close()
