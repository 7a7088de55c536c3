"""Bespoke curator 0.1.31 (infra/install-curator), as its documentation says, with its cache in a new folder.

Its limits a minute are set so high that only the number of requests at once holds it back.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import litellm.litellm_core_utils.default_encoding  # noqa: F401 (its tokenizer, not one from the network)
from bespokelabs import curator
from datasets import Dataset

from benchmarks.clients import MODEL, run, texts

PER_MINUTE = 1_000_000_000


class Echo(curator.LLM):
    """One message a row, and the answer beside it."""

    def prompt(self, input: dict[str, Any]) -> list[dict[str, str]]:
        """The message."""
        return [{"role": "user", "content": input["text"]}]

    def parse(self, input: dict[str, Any], response: str) -> dict[str, Any]:
        """Whether it came back as it was."""
        return {"right": response == input["text"]}


def ask(base_url: str, rows: Path, in_flight: int) -> int:
    """Through its OpenAI backend; its cache of answers is on disk as well."""
    echo = Echo(
        model_name=MODEL,
        backend="openai",
        backend_params={
            "base_url": base_url,
            "max_concurrent_requests": in_flight,
            "max_requests_per_minute": PER_MINUTE,
            "max_tokens_per_minute": PER_MINUTE,
        },
    )
    with TemporaryDirectory(prefix="curator-") as folder:
        answered = echo(Dataset.from_dict({"text": list(texts(rows))}), working_dir=folder)
        return sum(answered.dataset["right"])


if __name__ == "__main__":
    run(ask)
