"""Serve the scripted student with an OpenAI-compatible API, in a thread of the test process."""

import json
import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from drp.questions.generators.generate import generate, problem_from_source
from drp.questions.generators.problem_types import Problem
from tests.scripted_student.student import respond

SEEDS = (*range(10), *range(30, 60))
SIZE = 200
"""It knows the first `SIZE` problems of `SEEDS`, of level `standard`."""


def scripted(size: int, seed: int) -> dict[str, Any]:
    """Return the keys of a recipe that samples the scripted student."""
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
    """Return the server's address; the first call starts it, and it ends with the process."""
    _problems()  # fill the cache once, before request threads do so concurrently
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/v1"


@cache
def _problems() -> dict[str, Problem]:
    problems = (problem_from_source(question.source) for seed in SEEDS for question in generate(SIZE, seed))
    return {problem.text: problem for problem in problems if problem}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        problem = _problems().get(request["messages"][-1]["content"])
        if problem is None:
            self._answer(400, {"error": {"message": "the script does not know this question"}})
            return
        reply = respond(problem, request["seed"])
        text = reply.thinking
        if reply.is_finished:
            text += f"\n</think>\n\n{reply.response}"
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": "stop" if reply.is_finished else "length",
        }
        usage = {"prompt_tokens": 1, "completion_tokens": len(text), "total_tokens": 1 + len(text)}
        self._answer(
            200,
            {
                "id": "c",
                "object": "chat.completion",
                "created": 0,
                "model": request["model"],
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

    def log_message(self, *args: object) -> None:
        """Do not log requests."""
