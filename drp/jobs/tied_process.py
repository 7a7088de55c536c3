"""Run a server as long as this process needs it: it ends with the block, and also if this process is killed.

    with tied_process(["vllm", "serve", ...], log) as server: ...

`python -m drp.jobs.tied_process COMMAND ...` stands between the two. It ends the command when its standard
input closes, which the kernel does when the process that holds the other end has died.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_GRACE_S = 30.0


@contextmanager
def tied_process(
    command: Sequence[str], log: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command for the block; its output goes to the file `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - a command of the recipe or our own, no shell
            [sys.executable, "-m", __name__, *command],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,  # to end the command, it outlives a kill of this process's whole group
        )
    try:
        yield process
    finally:
        assert process.stdin  # noqa: S101
        process.stdin.close()
        process.wait()


def main() -> None:
    """Run the command of the arguments in a new process group until standard input closes."""
    process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603
    threading.Thread(target=_end_with_input, args=(process,), daemon=True).start()
    status = process.wait()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # processes that it started and left
    sys.exit(status)


def _end_with_input(process: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1):
        pass
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)


if __name__ == "__main__":
    main()
