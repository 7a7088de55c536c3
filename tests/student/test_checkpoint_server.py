"""A checkpoint of a served student gets a separate server, which ends with the samples."""

import sys
import time
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from drp.config import Sampling, Server, settings
from drp.core.records import Question
from drp.jobs import tied_process
from drp.student import SampleRequest, Student
from drp.student.engines import checkpoint_server
from drp.student.engines.checkpoint_server import CheckpointServerError, _vllm_serve
from drp.student.engines.server_engine import ServedEngine

QUESTION = Question("q1", "d", "test", "1 + 1?", "2", "f")
SERVER = """
import json, pathlib, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
model, name, port = sys.argv[1:]

class Handler(BaseHTTPRequestHandler):
    def do_GET(self): self.answer({"data": [{"id": name}]})
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert asked["model"] == name
        text = pathlib.Path(model, "says").read_text()
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
        self.answer({"id": "c", "object": "chat.completion", "created": 0, "model": name,
                     "choices": [choice], "usage": usage})
    def answer(self, document):
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

HTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
"""


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Student:
    monkeypatch.setenv("DRP_SCRATCH", str(tmp_path / "scratch"))
    settings.cache_clear()
    (tmp_path / "server.py").write_text(SERVER)
    (tmp_path / "model").mkdir()
    (tmp_path / "model/says").write_text("<think>\nOne and one.\n</think>\n\nIt is 2.")
    words = (sys.executable, str(tmp_path / "server.py"), "{model}", "{name}", "{port}")
    server = Server(base_url="http://127.0.0.1:9/v1", model="base", in_flight=2, serve=words)
    yield Student(
        "abcdef0123456789", str(tmp_path / "model"), "server", server, "r1-1", Sampling(), is_checkpoint=True
    )
    settings.cache_clear()


def servers(folder: Path) -> list[psutil.Process]:
    return [
        p for p in psutil.process_iter(["cmdline"]) if str(folder / "server.py") in (p.info["cmdline"] or [])
    ]


def test_it_is_served_for_its_samples_and_no_longer(checkpoint: Student, tmp_path: Path) -> None:
    rollouts = list(ServedEngine(checkpoint).sample(SampleRequest(QUESTION, k) for k in range(3)))
    assert {(r.thinking, r.response, r.student) for r in rollouts} == {
        ("One and one.", "It is 2.", checkpoint.name)
    }
    assert len(rollouts) == 3
    assert not servers(tmp_path)


def test_a_server_that_ends_is_a_transient_error_with_its_log(checkpoint: Student, tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text("print('no memory'); raise SystemExit(3)")
    with pytest.raises(CheckpointServerError, match="ended with 3") as raised:
        list(ServedEngine(checkpoint).sample([SampleRequest(QUESTION, 0)]))
    log = Path(str(raised.value).split("tail ")[1].split(",")[0])
    assert "no memory" in log.read_text()


def test_it_ends_when_the_process_that_needs_it_is_killed(tmp_path: Path) -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)", str(tmp_path)]
    program = (
        "import os, sys, time; from pathlib import Path; from drp.jobs import tied_process\n"
        f"with tied_process({sleeper!r}, Path({str(tmp_path / 'log')!r}), {{}}):\n"
        "    time.sleep(2); os.kill(os.getpid(), 9)\n"
    )
    with tied_process([sys.executable, "-c", program], tmp_path / "outer", {}) as outer:
        outer.wait()
    deadline = time.monotonic() + 20
    while [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == sleeper]:
        assert time.monotonic() < deadline, "the server is still there"
        time.sleep(0.1)


def test_vllm_gets_room_for_prompt_and_response_and_the_options_of_the_recipe(
    checkpoint: Student, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint_server, "python_of", lambda _: tmp_path / "bin/python")
    (tmp_path / "model/config.json").write_text('{"max_position_embeddings": 131072}')
    options = {"gpu_memory_utilization": 0.8, "enable_prefix_caching": False, "dtype": "bfloat16"}
    student = checkpoint_server.replace(checkpoint, sampling=Sampling(max_tokens=1000), vllm=options)
    words = _vllm_serve(student, [SampleRequest(QUESTION, 0)])
    assert words[:3] == (str(tmp_path / "bin/vllm"), "serve", "{model}")
    given = dict(pairwise(words))
    assert 2024 < int(given["--max-model-len"]) < 2200
    assert (given["--gpu-memory-utilization"], given["--dtype"]) == ("0.8", "bfloat16")
    assert "--no-enable-prefix-caching" in words
    (tmp_path / "model/config.json").write_text('{"max_position_embeddings": 512}')
    words = _vllm_serve(student, [SampleRequest(QUESTION, 0)])
    assert dict(pairwise(words))["--max-model-len"] == "512"
