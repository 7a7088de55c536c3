"""The script behind the API of an OpenAI-compatible server, in a thread of the test's process."""

import json
import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from drp.questions.generators.generate import generate, problem_from_source
from drp.questions.generators.problems import Problem
from tests.scripted_student.student import say

SEEDS = (*range(10), *range(30, 60))
SIZE = 200
"""It knows the first problems of these seeds, of level `standard`."""


def scripted(size: int, seed: int) -> dict[str, Any]:
    """Keys of a recipe whose nights it answers."""
    assert seed in SEEDS
    assert size <= SIZE
    return {
        "questions": [{"source": "synthetic", "size": size, "seed": seed}],
        "student": "scripted",
        "engine": "server",
        "server": {"base_url": address(), "model": "scripted"},
        "prompt_version": "small-1",
        "evaluation": None,  # it cannot be trained
        "promotion": None,
    }


@cache
def address() -> str:
    """Where it answers; it starts when somebody asks, and ends with the process."""
    _problems()  # once, and not by each thread that is asked first
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/v1"


@cache
def _problems() -> dict[str, Problem]:
    found = (problem_from_source(question.source) for seed in SEEDS for question in generate(SIZE, seed))
    return {problem.text: problem for problem in found if problem}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        problem = _problems().get(asked["messages"][-1]["content"])
        if problem is None:
            self._answer(400, {"error": {"message": "the script has no answer to this"}})
            return
        said = say(problem, asked["seed"])
        text = f"{said.thinking}\n</think>\n\n{said.response}" if said.is_finished else said.thinking
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": "stop" if said.is_finished else "length",
        }
        usage = {"prompt_tokens": 1, "completion_tokens": len(text), "total_tokens": 1 + len(text)}
        self._answer(
            200,
            {
                "id": "c",
                "object": "chat.completion",
                "created": 0,
                "model": asked["model"],
                "choices": [choice],
                "usage": usage,
            },
        )

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *said: object) -> None:
        """Nothing."""
