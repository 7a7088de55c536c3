"""Trains what a job's folder says, in the training environment:

    .venv-training/bin/python -m drp.training.worker_main JOBFOLDER OUTFOLDER

Exit status 0 when the checkpoint is complete; 1 with one line that says what is wrong and what to run next;
2 for wrong use; 143 after SIGTERM, when a state was saved from which the same command goes on. Started by
drp/jobs/runner.py it has no arguments, but a document with `job` and `out`.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from drp.core import DrpError
from drp.jobs import in_environment, read_job_document


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, and say how it went."""
    if in_environment("training"):
        with read_job_document() as document:
            _train(Path(document["job"]), Path(document["out"]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("job", type=Path, help="the folder of the job")
    parser.add_argument("out", type=Path, help="the folder of the checkpoint")
    asked = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        _train(asked.job, asked.out)
    except DrpError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(1)


def _train(job: Path, out: Path) -> None:
    # imported here, so that wrong use is told without seconds of waiting for torch
    from transformers.utils.logging import disable_progress_bar

    from drp.training.sft import train

    disable_progress_bar()  # of reading and writing weights: a log wants lines
    train(job, out)


if __name__ == "__main__":
    main()
