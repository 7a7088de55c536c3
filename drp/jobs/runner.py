"""Runs jobs in the environment that they need: subprocesses of this machine, which die with us.

    run("training", "drp.runtime.worker_main", {"stage": "rollout", ...}, ...)

A job is a module and a document. `python -m MODULE` reads the document from its standard input (`job`), logs
to its standard output, which becomes our log line by line, and tells an error of ours through a pipe, so that
it is raised here as what it was. What a job has done is not told: the caller looks for it.
"""

import fcntl
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
from typing import Any, Literal, TypeAlias

from drp.config.settings import ROOT
from drp.core.errors import DrpError, TerminalError, TransientError

Environment: TypeAlias = Literal["orchestrator", "training", "inference"]

_log = logging.getLogger(__name__)

_FOLDERS: dict[Environment, str] = {"training": "build/training", "inference": "build/vllm"}
_VARIABLE = "DRP_ENVIRONMENT"
_ERRORS = "DRP_ERRORS_TO"
_GRACE_S = 60.0
"""Seconds that a job has to keep what is complete when it is asked to end."""


class EnvironmentMissingError(TerminalError):
    """The environment that a job needs was not set up on this machine."""


class JobFailedError(TerminalError):
    """A job ended with an error that is a bug, or none of ours."""


class JobLostError(TransientError):
    """A job was killed: by a person, or for want of memory."""


class ScratchUnwritableError(TransientError):
    """The folder for what can be made again (DRP_SCRATCH) takes no file: a full disk, most often."""


def is_here(environment: Environment) -> bool:
    """Whether this process runs in `environment`."""
    return os.environ.get(_VARIABLE, "orchestrator") == environment


@contextmanager
def alone(lock: Path) -> Iterator[int]:
    """Within, nobody else on this machine holds `lock`; waits until nobody does.

    A job that is given what this yields (`run`, `holding`) holds it too, to its own end: when we are killed,
    the next attempt does not begin beside a job of ours that is still saving what it has.

    Raises:
        ScratchUnwritableError: the lock cannot be made.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        opened = lock.open("w")
    except OSError as error:
        raise ScratchUnwritableError(
            f"{lock} cannot be written: {error}",
            state="What was done before it is kept",
            next_command="make room where DRP_SCRATCH lies, then run the same command again",
        ) from error
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _log.info("waiting until the process that holds %s ends", lock)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def run(
    environment: Environment, module: str, *documents: Mapping[str, Any], holding: Sequence[int] = ()
) -> None:
    """Run jobs side by side to their ends; asked to end ourselves (SIGTERM), we ask them first.

    Args:
        environment: where they run.
        module: what they run.
        documents: one for each job.
        holding: locks that they hold as long as they live (`alone`).

    Raises:
        EnvironmentMissingError: there is no such environment here.
        JobLostError: one was killed.
        JobFailedError: one ended with an exception that is none of DRP's.
        DrpError: what one of them raised. The others were let finish.
    """
    python = ROOT / _FOLDERS[environment] / "bin/python"
    if not python.is_file():
        raise EnvironmentMissingError(
            f"this needs the {environment} environment, and there is none at {_FOLDERS[environment]}",
            state="What was done before it is kept",
            next_command=f"make {_FOLDERS[environment]}/ready, then run the same command again",
        )
    jobs: list[_Running] = []
    try:
        jobs.extend(_Running(python, environment, module, one, holding) for one in documents)
        errors = [error for job in jobs if (error := job.wait())]
    finally:
        for job in jobs:
            job.end()
    if errors:
        raise errors[0]


class _Running:
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
            cwd=ROOT,
            env={**os.environ, _VARIABLE: environment, _ERRORS: str(write), "OMP_NUM_THREADS": "1"},
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
            return revived(json.loads(raised))
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


def told(error: DrpError) -> dict[str, str]:
    """An error as a document, for another process."""
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    said = {"problem": error.problem, "state": error.state, "next_command": error.next_command}
    return {"kind": kind, **said}


def revived(document: Mapping[str, str]) -> DrpError:
    """The error that another process told, with its class."""
    kind: Any = locate(document["kind"])
    error: DrpError = kind.__new__(kind)
    DrpError.__init__(
        error, document["problem"], state=document["state"], next_command=document["next_command"]
    )
    return error


@contextmanager
def job() -> Iterator[dict[str, Any]]:
    """In the child: the document. An error of DRP's that leaves the block is told to the parent."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout, force=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    document = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        yield document
    except DrpError as error:
        with os.fdopen(int(os.environ[_ERRORS]), "w", encoding="utf-8") as stream:
            json.dump(told(error), stream)
        sys.exit(1)


def _end_with_parent() -> None:
    while os.read(0, 1):  # until nobody holds the other side any more
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_S)  # as long as a parent that lives would wait
    os.kill(os.getpid(), signal.SIGKILL)
