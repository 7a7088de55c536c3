"""The processes of a training that DeepSpeed spreads over GPUs: torchrun starts them, and they end with us.

    launch(job_folder, out, processes)

Each runs `python -m drp.training.distributed` and trains what the job says, together with the others. SIGTERM
goes to all: they save a state first. What one of them raised is raised here; when one is lost, the others are
ended.
"""

import json
import logging
import os
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NoReturn

from drp.core import BadInputError, DrpError
from drp.jobs import JobFailedError, JobLostError, decode_error, encode_error, process_lock
from drp.training.files import replace

GRACE_S = 50
"""Seconds that they have to save a state when they are asked to end: less than `drp.jobs` gives us."""
_LOOK_S = 0.5  # between two looks at whether we are still there
_HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
_TERMINATED = 128 + signal.SIGTERM


def launch(job: Path, out: Path, processes: int) -> None:
    """Train in so many processes of this machine, until all are done.

    Raises:
        BadInputError: there are GPUs, but fewer.
        DrpError: what one of them raised.
        JobLostError: one was killed.
        JobFailedError: one ended with an exception that is none of DRP's.
        SystemExit: with 143 after SIGTERM, when they have saved a state.
    """
    # imported here: the processes themselves need none of it
    from torch.cuda import device_count
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import parse_args, run

    if 0 < device_count() < processes:
        raise BadInputError(
            f"the recipe asks for {processes} processes, and this machine has {device_count()} GPUs",
            state="Nothing was trained",
            next_command=f"set processes to {device_count()} in the recipe, then train again",
        )
    with tempfile.TemporaryDirectory(prefix="drp-ranks-") as folder, _same_handlers():
        command = ["--standalone", "--local-addr=127.0.0.1", f"--nproc-per-node={processes}"]
        command += [f"--shutdown-timeout={GRACE_S}", f"--log-dir={folder}", "--module", __name__]
        try:
            run(parse_args([*command, str(job), str(out), folder, str(os.getpid())]))
        except SignalException as asked:
            raise SystemExit(128 + asked.sigval) from None
        except ChildFailedError as error:
            errors = sorted(Path(folder).glob("*.json"), key=lambda file: file.stat().st_mtime_ns)
            if errors:
                raise decode_error(json.loads(errors[0].read_text(encoding="utf-8"))) from error
            rank, failure = error.get_first_failure()
            _fail(rank, failure.exitcode)


@contextmanager
def _same_handlers() -> Iterator[None]:
    """Afterwards signals do what they did before: torchrun would go on handling them."""
    before = {number: signal.getsignal(number) for number in _HANDLED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _fail(rank: int, status: int) -> NoReturn:
    """Raise what the first of them to end, and to tell nothing, ended with."""
    if status == _TERMINATED:  # somebody asked one of them alone: all have saved a state
        raise SystemExit(status)
    ended = f"was killed ({signal.Signals(-status).name})" if status < 0 else f"ended with status {status}"
    kind = JobLostError if status < 0 else JobFailedError
    raise kind(
        f"process {rank} of the training {ended}",
        state="The others were ended; the last state is kept",
        next_command="read the log above this line; then run the same command again: it goes on from there",
    )


def main() -> None:
    """One of the processes: its arguments are the job, the checkpoint, where to tell errors, and our pid."""
    job, out, folder, parent = sys.argv[1:]
    rank = int(os.environ["RANK"])
    level = logging.WARNING if rank else logging.INFO
    logging.basicConfig(level=level, format="%(message)s", stream=sys.stdout, force=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    threading.Thread(target=_end_with, args=(int(parent),), daemon=True).start()

    from torch import distributed
    from transformers.utils.logging import disable_progress_bar

    from drp.training.deepspeed_engine import join
    from drp.training.resume_state import STATES
    from drp.training.sft import fine_tune

    disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning, module="torch")  # DeepSpeed earns one a step
    # the others wait for the first, and that until those of an attempt that was killed have saved their state
    lock = process_lock(Path(out) / STATES / "lock") if rank == 0 else nullcontext()
    try:
        with lock:
            join()
            fine_tune(Path(job), Path(out))
            distributed.destroy_process_group()
    except DrpError as error:
        replace(Path(folder) / f"{rank}.json", json.dumps(encode_error(error)))
        sys.exit(1)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_S)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
