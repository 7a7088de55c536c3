"""Our online driver, with its ledger: every request is durable before it is sent and when it is answered."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.clients import MODEL, run, texts
from drp.ledger.completions import TeacherRequest, Usage
from drp.ledger.ledger import open_ledger
from tests.teacher.transport.online.nights import driver

CAP = "1000"
"""USD: a night always has a cap, and what it has spent is summed before each claim."""


def requests(base_url: str, rows: Path) -> Iterator[TeacherRequest]:
    """One for each row."""
    for text in texts(rows):
        body = {"model": MODEL, "messages": [{"role": "user", "content": text}]}
        tokens = len(text) // 4
        yield TeacherRequest("fused", base_url, body, "v1", Usage(tokens, 0, tokens))


def ask(base_url: str, rows: Path, in_flight: int) -> int:
    """Through the driver, in a separate ledger."""
    limits = {"in_flight": in_flight, "timeout_s": 600.0}
    with (
        TemporaryDirectory(prefix="drp-throughput-") as folder,
        open_ledger(f"sqlite:///{folder}/drp.db") as ledger,
        driver(base_url, ledger, cap=CAP, **limits) as online,
    ):
        return sum(
            reply.answer is not None and reply.answer.text == reply.request.body["messages"][0]["content"]
            for reply in online.replies(requests(base_url, rows))
        )


if __name__ == "__main__":
    run(ask)
