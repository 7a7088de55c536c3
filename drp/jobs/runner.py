"""Run jobs in the environment that they need: as subprocesses, which end when this process ends.

    run_jobs("training", "drp.pipeline.sampling_worker", {"stage": "rollout", ...}, ...)

A job is a module and a document. `python -m MODULE` reads the document from its standard input
(`read_job_document`) and logs to its standard output, whose lines go to the log of this process. It sends an
error of DRP through a pipe, so that the same error is raised here. A job returns no result: the caller looks
for the files that the job has written.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from pydoc import locate
from typing import Any

from drp.config import settings
from drp.core import DrpError
from drp.jobs.environments import VARIABLE, Environment, python_of
from drp.jobs.errors import JobFailedError, JobLostError

_log = logging.getLogger(__name__)

_ERRORS = "DRP_ERRORS_TO"
_GRACE_S = 60.0
"""Seconds that a job has to save its finished work after SIGTERM."""
_SHOWN_LINES = 20


def run_jobs(
    environment: Environment, module: str, *documents: Mapping[str, Any], holding: Sequence[int] = ()
) -> None:
    """Run jobs in parallel and wait until all have ended. If this process gets SIGTERM, it ends them first.

    Args:
        environment: the environment of the jobs.
        module: the module that each job runs.
        documents: one document per job.
        holding: file descriptors of locks that the jobs hold until they end (`process_lock`).

    Raises:
        EnvironmentMissingError: this machine does not have the environment.
        JobLostError: a job was killed.
        JobFailedError: a job ended with an exception that is not an error of DRP.
        DrpError: the error that a job has raised. The other jobs have run to their end.
    """
    python = python_of(environment)
    jobs: list[_RunningJob] = []
    try:
        jobs.extend(_RunningJob(python, environment, module, document, holding) for document in documents)
        errors = [error for job in jobs if (error := job.wait())]
    finally:
        for job in jobs:
            job.end()
    if errors:
        raise errors[0]


class _RunningJob:
    """The process of a job. A thread forwards its output to the log."""

    def __init__(
        self,
        python: Path,
        environment: Environment,
        module: str,
        document: Mapping[str, Any],
        holding: Sequence[int],
    ) -> None:
        self._name = f"{document.get('stage', module)} in the {environment} environment"
        self._last_lines: deque[str] = deque(maxlen=_SHOWN_LINES)
        read_end, write_end = os.pipe()
        self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            [str(python), "-m", module],
            cwd=settings().home,
            env={**os.environ, VARIABLE: environment, _ERRORS: str(write_end), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(write_end, *holding),
            text=True,
            errors="replace",
        )
        os.close(write_end)
        self._errors = os.fdopen(read_end, encoding="utf-8")
        self._log_thread = threading.Thread(target=self._forward_log, daemon=True)
        self._log_thread.start()
        assert self._process.stdin  # noqa: S101
        with suppress(BrokenPipeError):  # it died at once; its log and its status say why
            self._process.stdin.write(json.dumps(document) + "\n")
            # The pipe stays open: when it closes, the job knows that this process has ended.
            self._process.stdin.flush()

    def wait(self) -> DrpError | None:
        """Wait until the job has ended. Return its error, if any."""
        status = self._process.wait()
        self._log_thread.join()
        encoded_error = self._errors.read()
        if encoded_error:
            return decode_error(json.loads(encoded_error))
        # A job that gets SIGTERM saves its finished work and exits with 128 + SIGTERM.
        signal_number = -status if status < 0 else status - 128
        if status < 0 or signal_number == signal.SIGTERM:
            return JobLostError(
                f"{self._name} was killed ({signal.Signals(signal_number).name})",
                state="The work that it had finished is kept",
                next_command="run the same command again: it continues where this one stopped",
            )
        if status:
            # Shown again: where a bar is drawn, the log was not.
            _log.error("the log of %s ends with:\n%s", self._name, "\n".join(self._last_lines))
            last_line = self._last_lines[-1] if self._last_lines else ""
            return JobFailedError(
                f"{self._name} ended with status {status}: {last_line}",
                state="The work that it had finished is kept",
                next_command="read the log above this line, then run the same command again",
            )
        return None

    def end(self) -> None:
        """Make sure that the process has ended, with time to save its work."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log_thread.join()
        self._errors.close()
        if self._process.stdin:
            with suppress(BrokenPipeError):
                self._process.stdin.close()

    def _forward_log(self) -> None:
        assert self._process.stdout  # noqa: S101
        with self._process.stdout as lines:
            for line in lines:
                if line.strip():
                    self._last_lines.append(line.rstrip())
                _log.info("%s", line.rstrip())


def encode_error(error: DrpError) -> dict[str, str]:
    """Encode an error as a document, for another process."""
    return {
        "kind": f"{type(error).__module__}.{type(error).__qualname__}",
        "problem": error.problem,
        "state": error.state,
        "next_command": error.next_command,
    }


def decode_error(document: Mapping[str, str]) -> DrpError:
    """Decode an error that another process has encoded. It has the same class."""
    kind: Any = locate(document["kind"])
    error: DrpError = kind.__new__(kind)
    DrpError.__init__(
        error, document["problem"], state=document["state"], next_command=document["next_command"]
    )
    return error


@contextmanager
def read_job_document() -> Iterator[dict[str, Any]]:
    """Read the document, in the job. An error of DRP that leaves the block is sent to the parent process."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout, force=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    document = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        yield document
    except DrpError as error:
        with os.fdopen(int(os.environ[_ERRORS]), "w", encoding="utf-8") as stream:
            json.dump(encode_error(error), stream)
        sys.exit(1)


def _end_with_parent() -> None:
    while os.read(0, 1):  # until the parent, which holds the other end, has ended
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_S)  # as long as a living parent would wait
    os.kill(os.getpid(), signal.SIGKILL)
