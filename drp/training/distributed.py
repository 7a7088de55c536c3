"""Launch a DeepSpeed training through torchrun, one process per GPU, and wait for it.

    launch(job_folder, out, processes)

Each worker runs `python -m drp.training.distributed`. SIGTERM is forwarded to all workers, which save a state
before they exit. An error in one worker is raised again here. If one worker dies, the others are stopped, and
all workers exit when this process exits.
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
from drp.training.atomic_files import write_atomically

GRACE_S = 50
"""Seconds that workers have to save a state after SIGTERM: less than `drp.jobs` grants this process."""
_PARENT_CHECK_S = 0.5
_HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
_TERMINATED = 128 + signal.SIGTERM


def launch(job: Path, out: Path, processes: int) -> None:
    """Train in `processes` workers on this machine and wait until all have finished.

    Raises:
        BadInputError: the machine has GPUs, but fewer than `processes`.
        DrpError: the error that a worker raised.
        JobLostError: a worker was killed.
        JobFailedError: a worker failed with an exception that is not a `DrpError`.
        SystemExit: with status 143 after SIGTERM, once the workers have saved a state.
    """
    # imported here because the workers, which import this module too, do not need them
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
    with tempfile.TemporaryDirectory(prefix="drp-ranks-") as folder, _restored_signal_handlers():
        command = ["--standalone", "--local-addr=127.0.0.1", f"--nproc-per-node={processes}"]
        command += [f"--shutdown-timeout={GRACE_S}", f"--log-dir={folder}", "--module", __name__]
        try:
            run(parse_args([*command, str(job), str(out), folder, str(os.getpid())]))
        except SignalException as received:
            raise SystemExit(128 + received.sigval) from None
        except ChildFailedError as error:
            errors = sorted(Path(folder).glob("*.json"), key=lambda file: file.stat().st_mtime_ns)
            if errors:
                raise decode_error(json.loads(errors[0].read_text(encoding="utf-8"))) from error
            rank, failure = error.get_first_failure()
            _raise_worker_failure(rank, failure.exitcode)


@contextmanager
def _restored_signal_handlers() -> Iterator[None]:
    """Restore the signal handlers after the block: torchrun installs its own and leaves them in place."""
    before = {number: signal.getsignal(number) for number in _HANDLED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise_worker_failure(rank: int, status: int) -> NoReturn:
    """Raise the failure of the first worker that ended without reporting a `DrpError`."""
    if status == _TERMINATED:  # SIGTERM reached a single worker; all workers have saved a state
        raise SystemExit(status)
    ended = f"was killed ({signal.Signals(-status).name})" if status < 0 else f"ended with status {status}"
    kind = JobLostError if status < 0 else JobFailedError
    raise kind(
        f"process {rank} of the training {ended}",
        state="The other processes were stopped; the last saved state is kept",
        next_command="check the log above, then run the same command again to resume from the last state",
    )


def main() -> None:
    """Run one worker. Arguments: job folder, checkpoint folder, folder for errors, pid of the launcher."""
    job, out, error_folder, parent = sys.argv[1:]
    rank = int(os.environ["RANK"])
    level = logging.WARNING if rank else logging.INFO
    logging.basicConfig(level=level, format="%(message)s", stream=sys.stdout, force=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    threading.Thread(target=_exit_with_parent, args=(int(parent),), daemon=True).start()

    from torch import distributed
    from transformers.utils.logging import disable_progress_bar

    from drp.training.deepspeed_engine import join_process_group
    from drp.training.resume_state import STATES
    from drp.training.sft import fine_tune

    disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning, module="torch")  # DeepSpeed causes one per step
    # Rank 0 waits here until the workers of a previous, killed attempt have saved their state. The other
    # ranks wait for rank 0 when they join the process group.
    lock = process_lock(Path(out) / STATES / "lock") if rank == 0 else nullcontext()
    try:
        with lock:
            join_process_group()
            fine_tune(Path(job), Path(out))
            distributed.destroy_process_group()
        status = 0
    except DrpError as error:
        write_atomically(Path(error_folder) / f"{rank}.json", json.dumps(encode_error(error)))
        status = 1
    except SystemExit as ended:  # of SIGTERM; a state was saved
        status = int(ended.code or 0)
    # The work is done. Threads of torch sometimes abort a process that Python takes down ("terminate called
    # without an active exception"), and a finished training would count as lost.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(status)


def _exit_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_S)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
