"""A `vllm serve` of one's own, on a free port of this machine, with a tiny model made on the spot.

    with vllm(folder) as server:
        server.base_url, server.key, server.asked()
    with serve(model, "small", log) as server:  # or with another model
        ...

`make test-vllm` installs what it needs.
"""

import json
import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drp.teacher.llm.examples import worked_examples
from drp.teacher.llm.prompts import MODELS, prompt
from drp.teacher.llm.serialize_draft import reply_of
from tests.helpers.repository import ROOT
from tests.helpers.servers import free_port

PROGRAMS = ROOT / ".venv-inference/bin"
MODEL = "teacher"
_START_LIMIT_S = 300
_STOP_LIMIT_S = 30
_SHOWN = 6_000  # characters of the log in a failure
_ASKED = re.compile(r'"POST /v1/chat/completions HTTP/1.1" (\d{3})')  # a line of the access log
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # it would sit on the first core, which others may need
    "OMP_NUM_THREADS": "1",  # enough for a model of this size
}


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    port: int
    log: Path
    key: str = "key-of-the-test-5f1d"

    @property
    def base_url(self) -> str:
        """What a teacher's profile, or a recipe, calls its address."""
        return f"http://127.0.0.1:{self.port}/v1"

    def asked(self) -> list[int]:
        """Status of every completion that was asked for, as its own log has it."""
        return [int(status) for status in _ASKED.findall(self.log.read_text(errors="replace"))]

    def said(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-_SHOWN:]


def make_model(folder: Path) -> None:
    """The tiny model, which has read our prompts and speaks as often of `"` and `}` as our replies do."""
    assert PROGRAMS.is_dir(), "run make test-vllm, which installs what this needs"
    examples = worked_examples("skill")
    replies = [
        reply_of(name, example.draft, example.needs).model_dump_json()
        for name in MODELS
        for example in examples
    ]
    texts = [prompt(name).system("skill", structured=False) for name in MODELS]
    texts += [example.draft.trace.thinking for example in examples]
    run_there("tests.vllm.tiny_qwen2", folder, {"texts": texts, "replies": replies})


def run_there(module: str, target: Path, document: Mapping[str, Any]) -> None:
    """Run a program of ours beside vLLM: it is told where to write, and reads the document."""
    done = subprocess.run(
        [str(PROGRAMS / "python"), "-m", module, str(target)],
        input=json.dumps(document),
        cwd=ROOT,
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@contextmanager
def vllm(folder: Path) -> Iterator[Server]:
    """A server with a tiny model; `folder` gets the model and the log."""
    make_model(folder / "model")
    with serve(folder / "model", MODEL, folder / "log", "--max-num-seqs", "64") as server:
        yield server


@contextmanager
def serve(model: Path, name: str, log: Path, *options: str) -> Iterator[Server]:
    """A server that calls the model in the folder `model` by `name`."""
    server = Server(free_port(), log)
    program = ["setpriv", "--pdeathsig", "TERM"]  # also where the tests are killed
    program += [str(PROGRAMS / "vllm"), "serve", str(model), "--served-model-name", name]
    program += ["--host", "127.0.0.1", "--port", str(server.port), "--dtype", "float32", "--enforce-eager"]
    environment = os.environ | ENVIRONMENT | {"VLLM_API_KEY": server.key}
    with log.open("w") as stream:
        # A session of its own: its engine is another process, which must not outlive it.
        process = subprocess.Popen(
            [*program, *options],
            cwd=log.parent,
            env=environment,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + _START_LIMIT_S
        while not _is_healthy(server.port):
            assert process.poll() is None, f"vllm ended with status {process.returncode}:\n{server.said()}"
            assert time.monotonic() < deadline, f"vllm does not answer:\n{server.said()}"
            time.sleep(0.5)
        yield server
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_LIMIT_S)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _is_healthy(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
    except OSError:
        return False
    return True
