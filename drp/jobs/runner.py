"""Run jobs in the environment that they need: subprocesses of this machine, which end with this process.

    run_jobs("training", "drp.runtime.worker_main", {"stage": "rollout", ...}, ...)

A job is a module and a document. `python -m MODULE` reads the document from its standard input
(`read_job_document`) and logs to its standard output, which becomes this process's log line by line. It
passes an error of DRP through a pipe, so that the same error is raised here. It returns no result: the caller
looks for what the job has written.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
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
"""Seconds that a job has to keep what is complete when it is asked to end."""


def run_jobs(
    environment: Environment, module: str, *documents: Mapping[str, Any], holding: Sequence[int] = ()
) -> None:
    """Run jobs in parallel until all have ended. When this process gets SIGTERM, they get it first.

    Args:
        environment: where they run.
        module: what they run.
        documents: one for each job.
        holding: descriptors of locks that the jobs hold until they end (`process_lock`).

    Raises:
        EnvironmentMissingError: this machine has no such environment.
        JobLostError: one was killed.
        JobFailedError: one ended with an exception that is none of DRP's.
        DrpError: what one of them raised. The others were let finish.
    """
    python = python_of(environment)
    jobs: list[_RunningJob] = []
    try:
        jobs.extend(_RunningJob(python, environment, module, one, holding) for one in documents)
        errors = [error for job in jobs if (error := job.wait())]
    finally:
        for job in jobs:
            job.end()
    if errors:
        raise errors[0]


class _RunningJob:
    """A job's process. A thread hands its log on."""

    def __init__(
        self,
        python: Path,
        environment: Environment,
        module: str,
        document: Mapping[str, Any],
        holding: Sequence[int],
    ) -> None:
        self._name = f"{document.get('stage', module)} in the {environment} environment"
        self._last = ""
        read, write = os.pipe()
        self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            [str(python), "-m", module],
            cwd=settings().home,
            env={**os.environ, VARIABLE: environment, _ERRORS: str(write), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(write, *holding),
            text=True,
            errors="replace",
        )
        os.close(write)
        self._errors = os.fdopen(read, encoding="utf-8")
        self._logger = threading.Thread(target=self._log, daemon=True)
        self._logger.start()
        assert self._process.stdin  # noqa: S101
        with suppress(BrokenPipeError):  # it died at once: its log and its status say why
            self._process.stdin.write(json.dumps(document) + "\n")
            self._process.stdin.flush()  # and stays open: its end tells the job that we are gone

    def wait(self) -> DrpError | None:
        """Wait for its end; the error that it ended with."""
        status = self._process.wait()
        self._logger.join()
        raised = self._errors.read()
        if raised:
            return decode_error(json.loads(raised))
        ended_by = -status if status < 0 else status - 128  # 143: it was asked to end, and kept what it had
        if status < 0 or ended_by == signal.SIGTERM:
            return JobLostError(
                f"{self._name} was killed ({signal.Signals(ended_by).name})",
                state="What it had finished is kept",
                next_command="run the same command again: it goes on where this one stopped",
            )
        if status:
            return JobFailedError(
                f"{self._name} ended with status {status}: {self._last}",
                state="What it had finished is kept",
                next_command="read the log above this line; then run the same command again",
            )
        return None

    def end(self) -> None:
        """Make sure that it is gone, with time to tidy up."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._logger.join()
        self._errors.close()
        if self._process.stdin:
            with suppress(BrokenPipeError):
                self._process.stdin.close()

    def _log(self) -> None:
        assert self._process.stdout  # noqa: S101
        with self._process.stdout as lines:
            for line in lines:
                self._last = line.rstrip() or self._last
                _log.info("%s", line.rstrip())


def encode_error(error: DrpError) -> dict[str, str]:
    """An error as a document, for another process."""
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    said = {"problem": error.problem, "state": error.state, "next_command": error.next_command}
    return {"kind": kind, **said}


def decode_error(document: Mapping[str, str]) -> DrpError:
    """The error that another process told, with its class."""
    kind: Any = locate(document["kind"])
    error: DrpError = kind.__new__(kind)
    DrpError.__init__(
        error, document["problem"], state=document["state"], next_command=document["next_command"]
    )
    return error


@contextmanager
def read_job_document() -> Iterator[dict[str, Any]]:
    """In the child: the document. An error of DRP's that leaves the block is told to the parent."""
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
    while os.read(0, 1):  # until nobody holds the other side any more
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_S)  # as long as a parent that lives would wait
    os.kill(os.getpid(), signal.SIGKILL)
