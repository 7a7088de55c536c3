"""Trains what a job's folder says, in the training environment:

    build/training/bin/python -m drp.training.run JOBFOLDER OUTFOLDER

Exit status 0 when the checkpoint is complete; 1 with one line that says what is wrong and what to run next;
2 for wrong use; 143 after SIGTERM, when a state was saved from which the same command goes on. Started by
drp/runner.py it has no arguments, but a document with `job` and `out`.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from transformers.utils.logging import disable_progress_bar

from drp import runner
from drp.errors import DrpError
from drp.training.sft import train


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, and say how it went."""
    disable_progress_bar()  # of reading and writing weights: only lines are wanted in a log
    if runner.is_here("training"):
        with runner.job() as document:
            train(Path(document["job"]), Path(document["out"]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("job", type=Path, help="the folder of the job")
    parser.add_argument("out", type=Path, help="the folder of the checkpoint")
    asked = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        train(asked.job, asked.out)
    except DrpError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
