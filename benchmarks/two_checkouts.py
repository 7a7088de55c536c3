"""How long a night takes in this checkout, compared with another one, such as the commit before a change.

    git worktree add ../before COMMIT && make -C ../before .venv/ready
    .venv/bin/python -m benchmarks.two_checkouts ../before [--rounds 5] [--traces FILE] [--airflow]

Both run the same night in turns, each in an empty lake: `drp nightly`, or with --airflow the DAGs
of `make nightly`. Prints the median of the ratios, this checkout over the other one, and their range.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
RUNNERS = ("infra/run_dags_once.py", "infra/nightly.py")
"""What `make nightly` runs, in this checkout and in older ones."""


def seconds(checkout: Path, traces: str | None, *, airflow: bool) -> float:
    """Wall time of one night in `checkout`.

    Raises:
        subprocess.CalledProcessError: the night failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "DRP_LAKE": f"{folder}/lake",
            "DRP_DATABASE_URL": f"sqlite:///{folder}/drp.db",
            "DRP_SCRATCH": f"{folder}/scratch",
            "DRP_AIRFLOW_HOME": f"{folder}/airflow",
            "PYTHONPATH": str(checkout),
        }
        runner = next(name for name in RUNNERS if (checkout / name).is_file())
        program = ["bash", "-c", f'. infra/airflow.env.sh && python {runner} --run-date 2026-11-20 "$@"', "-"]
        if not airflow:
            program = [".venv/bin/drp", "nightly", "--run-date", "2026-11-20"]
        command = [*program, *(("--traces", traces) if traces else ())]
        started = time.monotonic()
        subprocess.run(command, cwd=checkout, env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        return time.monotonic() - started


def main() -> int:
    """Print the ratio; 1 if this checkout takes more than a tenth more time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("other", type=lambda path: Path(path).resolve())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--traces", type=lambda path: str(Path(path).resolve()))
    parser.add_argument("--airflow", action="store_true")
    arguments = parser.parse_args()
    ratios = []
    for number in range(arguments.rounds):
        order = (ROOT, arguments.other) if number % 2 else (arguments.other, ROOT)
        took = {path: seconds(path, arguments.traces, airflow=arguments.airflow) for path in order}
        ratios.append(took[ROOT] / took[arguments.other])
        print(
            f"here {took[ROOT]:6.1f} s, there {took[arguments.other]:6.1f} s, ratio {ratios[-1]:.2f}",
            flush=True,
        )
    print(f"median {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    return int(median(ratios) > 1.1)


if __name__ == "__main__":
    sys.exit(main())
