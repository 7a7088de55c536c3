"""A job for tests/jobs/test_runner.py that does what its document requests."""

import os
import signal
import sys
import time
from pathlib import Path

from drp.core.errors import BadInputError
from drp.jobs.environments import in_environment
from drp.jobs.runner import read_job_document


def main() -> None:
    with read_job_document() as document:
        print(f"environment: training={in_environment('training')}", flush=True)
        match document["do"]:
            case "refuse":
                raise BadInputError("no such thing", state="Nothing was done", next_command="another thing")
            case "crash":
                raise ZeroDivisionError("a bug")
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case "be asked to end":
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(60)
            case "hang":
                Path(document["file"]).write_text(str(os.getpid()))
                try:
                    time.sleep(60)
                except SystemExit:
                    Path(document["file"]).write_text("ended")
                    sys.exit(0)
            case "write":
                Path(document["file"]).write_text(document["text"])


if __name__ == "__main__":
    main()
