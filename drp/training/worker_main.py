"""Train a job. Runs in the training environment:

    .venv-training/bin/python -m drp.training.worker_main JOBFOLDER OUTFOLDER

Exit status: 0 when the checkpoint is complete; 1 after an error, with one line that states the problem and
the next command; 2 for wrong usage; 143 after SIGTERM, once a state was saved. The same command resumes from
that state. When drp/jobs/runner.py starts it, it takes no arguments and reads a document with `job` and
`out`, or one that asks to merge an adapter into its base model.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from drp.core import DrpError
from drp.jobs import in_environment, read_job_document

MERGE = "merge"
"""The stage of a document that asks to merge an adapter: with `base`, `adapter` and `out`."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, or the runner's job document."""
    if in_environment("training"):
        with read_job_document() as document:
            if document.get("stage") == MERGE:
                _merge(Path(document["base"]), Path(document["adapter"]), Path(document["out"]))
            else:
                _train(Path(document["job"]), Path(document["out"]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("job", type=Path, help="the folder of the job")
    parser.add_argument("out", type=Path, help="the folder of the checkpoint")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        _train(options.job, options.out)
    except DrpError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(1)


def _train(job: Path, out: Path) -> None:
    # imported here so that usage errors appear without waiting seconds for torch
    from transformers.utils.logging import disable_progress_bar

    from drp.training.sft import train

    disable_progress_bar()  # progress bars of loading and saving weights clutter the log
    train(job, out)


def _merge(base: Path, adapter: Path, out: Path) -> None:
    from transformers.utils.logging import disable_progress_bar

    from drp.training.model import merge_adapter

    disable_progress_bar()
    merge_adapter(base, adapter, out)


if __name__ == "__main__":
    main()
