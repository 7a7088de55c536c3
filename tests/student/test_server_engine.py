"""A student behind a server: its responses, the requests sent to it, and failures of the server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from drp.config.student import LONGEST, Sampling, Server
from drp.core.errors import BadInputError
from drp.core.ids import sampled_rollout_id
from drp.core.records import CHARACTERS, Question
from drp.student.engines import server_engine
from drp.student.engines.server_engine import ServedEngine, StudentUnavailableError
from drp.student.protocol import SampleRequest, Student

QUESTION = Question("q1", "d", "train", "What is 1 + 1?", "2", "f")


class Stub:
    """Returns the given answers in turn and records the requests."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.answers: list[tuple[int, dict[str, Any]]] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                stub.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                answers = stub.answers
                status, document = answers.pop(0) if len(answers) > 1 else answers[0]
                data = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def stub() -> Iterator[Stub]:
    running = Stub()
    yield running
    running.server.shutdown()
    running.server.server_close()


def reply(content: str, reason: str = "stop", **more: str) -> tuple[int, dict[str, Any]]:
    message = {"role": "assistant", "content": content, **more}
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
    document = {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "usage": usage}
    return 200, document | {"choices": [{"index": 0, "message": message, "finish_reason": reason}]}


def engine(stub: Stub, **sampling: Any) -> ServedEngine:
    server = Server(base_url=stub.base_url, model="m", in_flight=2)
    return ServedEngine(Student("s", "", "server", server, "r1-1", Sampling(**sampling)))


@pytest.mark.parametrize(
    ("answer", "thinking", "response", "reason"),
    [
        (reply("1 and 1.\n</think>\n\nIt is 2."), "1 and 1.", "It is 2.", "stop"),
        (reply("<think>\n1 and 1.\n</think>\n\nIt is 2."), "1 and 1.", "It is 2.", "stop"),
        (reply("It is 2.", reasoning="1 and 1."), "1 and 1.", "It is 2.", "stop"),
        (reply("It is 2.", reasoning_content="1 and 1."), "1 and 1.", "It is 2.", "stop"),
        (reply("1 and 1 and", "length"), "1 and 1 and", "", "length"),
        (reply("1.\n</think>\n\n2", "tool_calls"), "1.", "2", "unknown"),
    ],
)
def test_thinking_and_response_are_separated(stub, answer, thinking, response, reason):
    stub.answers = [answer]
    (rollout,) = engine(stub).sample([SampleRequest(QUESTION, 0)])
    assert (rollout.thinking, rollout.response, rollout.finish_reason) == (thinking, response, reason)
    assert rollout.token_counter == CHARACTERS
    assert rollout.total_tokens == len(thinking) + len(response)


def test_each_sample_is_one_request_with_its_own_seed(stub):
    stub.answers = [reply("1.\n</think>\n\n2")]
    sampling = {"samples": 3, "temperature": 0.7, "top_p": 0.9, "max_tokens": 50, "seed": 4}
    samples = [SampleRequest(QUESTION, index) for index in range(3)]
    rollouts = list(engine(stub, **sampling).sample(samples))
    identity = Sampling(**sampling).identity
    assert {r.rollout_id for r in rollouts} == {
        sampled_rollout_id("q1", "s", "r1-1", identity, k) for k in range(3)
    }
    assert len({request["seed"] for request in stub.requests}) == 3
    (request, *_) = stub.requests
    assert (request["temperature"], request["top_p"], request["max_tokens"]) == (0.7, 0.9, 50)
    assert request["messages"][0]["content"].endswith("put your final answer within \\boxed{}.")


def test_the_longest_response_is_the_models_own_limit(stub):
    stub.answers = [reply("1.\n</think>\n\n2")]
    list(engine(stub, max_tokens=LONGEST).sample([SampleRequest(QUESTION, 0)]))
    assert "max_tokens" not in stub.requests[0]


def test_temporary_failures_are_retried(stub):
    stub.answers = [(500, {}), (429, {}), reply("1.\n</think>\n\n2")]
    assert len(list(engine(stub).sample([SampleRequest(QUESTION, 0)]))) == 1


def test_an_unavailable_server_is_a_transient_error(stub, monkeypatch):
    monkeypatch.setattr(server_engine, "_MAX_RETRIES", 1)
    stub.answers = [(503, {})]
    with pytest.raises(StudentUnavailableError, match="start the server"):
        list(engine(stub).sample([SampleRequest(QUESTION, 0)]))


def test_a_rejected_request_is_a_terminal_error(stub):
    stub.answers = [(404, {"error": {"message": "no model m"}})]
    with pytest.raises(BadInputError, match=r"rejects question q1.*no model m"):
        list(engine(stub).sample([SampleRequest(QUESTION, index) for index in range(8)]))
