"""Serve a checkpoint while it is evaluated, as the recipe's student is served.

    with serve_checkpoint(student, samples) as server: ...

The recipe's server runs the student and does not know its checkpoints. So that a checkpoint is measured as it
will be used, it gets a separate server on this machine: `vllm serve` of the inference environment, or the
command `server.serve` of the recipe.
"""

import json
import socket
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from drp.config import Server, settings
from drp.core import TransientError
from drp.jobs import python_of, tied_process
from drp.student.engines.select import longest_response
from drp.student.protocol import SampleRequest, Student

START_LIMIT_S = 1800.0
"""Seconds that a server may take to load a model."""
_TEMPLATE_TOKENS = 1024
"""More than any chat template adds to a prompt."""
_GPU = Path("/dev/nvidiactl")
_WITHOUT_GPU: dict[str, Any] = {
    "dtype": "float32",
    "enforce_eager": True,
    "enable_chunked_prefill": False,  # vLLM 0.32 crashes on seeded requests whose prompt is read in chunks
}
_ENVIRONMENT = {"VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}


class CheckpointServerError(TransientError):
    """The server that was started for a checkpoint ended, or does not answer."""


@contextmanager
def serve_checkpoint(student: Student, samples: Sequence[SampleRequest]) -> Iterator[Server]:
    """Run a server with the model of `student` for the block, with room for the samples.

    Raises:
        CheckpointServerError: it ended, or does not answer in time.
        EnvironmentMissingError: this machine has no inference environment, and the recipe no other command.
    """
    assert student.server is not None  # noqa: S101 - this engine was chosen for it
    port = _free_port()
    words = student.server.serve or _vllm_serve(student, samples)
    names = {"model": student.model, "name": student.name, "port": str(port)}
    command = [_filled(word, names) for word in words]
    server = student.server.model_copy(
        update={"base_url": f"http://127.0.0.1:{port}/v1", "model": student.name, "api_key_env": None}
    )
    log = settings().scratch_root / "served" / f"{student.name[:12]}.log"
    with tied_process(command, log, _ENVIRONMENT) as process:
        deadline = time.monotonic() + START_LIMIT_S
        while not _answers(server.base_url):
            if process.poll() is not None or time.monotonic() > deadline:
                ended = "does not answer" if process.poll() is None else f"ended with {process.returncode}"
                raise CheckpointServerError(
                    f"the server for checkpoint {student.name[:12]} {ended}: {' '.join(command)}",
                    state="Samples that were made before it are kept",
                    next_command=f"tail {log}, correct server.serve or vllm in the recipe, then run the same"
                    " command again",
                )
            time.sleep(0.2)
        yield server


def _vllm_serve(student: Student, samples: Sequence[SampleRequest]) -> tuple[str, ...]:
    longest = max((len(_prompt_bytes(student, sample)) for sample in samples), default=0)
    options: Mapping[str, Any] = {
        "max_model_len": min(longest + _TEMPLATE_TOKENS + student.sampling.max_tokens, _context(student)),
        "tensor_parallel_size": student.tensor,
        **({} if _GPU.exists() else _WITHOUT_GPU),
        **student.vllm,
    }
    vllm = python_of("inference").parent / "vllm"
    fixed = (str(vllm), "serve", "{model}", "--served-model-name", "{name}", "--host", "127.0.0.1")
    return (*fixed, "--port", "{port}", *(word for item in options.items() for word in _option(*item)))


def _context(student: Student) -> int:
    """The model's context: the longest response that sampling does not limit."""
    unlimited = student.sampling.model_copy(update={"max_tokens": 1 << 30})
    return longest_response(replace(student, sampling=unlimited))


def _prompt_bytes(student: Student, sample: SampleRequest) -> bytes:
    """Return the text of a prompt; it has at least as many bytes as tokens."""
    messages = student.prompt.messages(sample.question.question)
    return "".join(message["content"] for message in messages).encode()


def _option(name: str, value: Any) -> tuple[str, ...]:
    """Return an engine option as words of the command line."""
    option = name.replace("_", "-")
    if isinstance(value, bool):
        return (f"--{option}" if value else f"--no-{option}",)
    return f"--{option}", value if isinstance(value, str) else json.dumps(value)


def _filled(word: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        word = word.replace(f"{{{name}}}", value)
    return word


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(base_url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base_url}/models", timeout=5) as reply:  # noqa: S310 - http, see above
            return bool(reply.status == 200)
    except OSError:
        return False
