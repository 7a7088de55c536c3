"""Traces a second of the heuristic teacher on one core: decompose, revise and synthesise together.

.venv/bin/python -m benchmarks.teacher_speed ../shared/data/traces.parquet
"""

import argparse
import time
from pathlib import Path

from benchmarks.teacher_quality import eligible
from drp.core.records import Draft
from drp.teacher.heuristic import HeuristicTeacher


def main() -> None:
    """Print the rate of the best of three rounds; other work on the machine only makes a round slower."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("traces", type=Path)
    traces = eligible(parser.parse_args().traces)
    characters = sum(len(trace.thinking) for trace in traces)
    teacher = HeuristicTeacher()
    seconds = float("inf")
    for _ in range(3):
        start = time.process_time()
        drafts = list(teacher.revise(teacher.decompose((Draft(trace) for trace in traces), "skill")))
        seconds = min(seconds, time.process_time() - start)
    print(f"traces per second      {len(drafts) / seconds:>10.1f}")
    print(f"characters per second  {characters / seconds:>10,.0f}")
    print(f"mean length            {characters / len(drafts):>10,.0f}")


if __name__ == "__main__":
    main()
