"""Clients of a provider, to be compared: each asks for every row of a file and says what that took.

python -m benchmarks.clients.NAME BASE_URL ROWS IN_FLIGHT, with the key in OPENAI_API_KEY; ROWS is JSON lines
`{"text": ...}`, each sent as the one message of a request. Runs under an interpreter without drp too.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

MODEL = "stand-in"

Ask: TypeAlias = Callable[[str, Path, int], int]
"""From base URL, rows and how many at once to the number of right answers: the stand-in echoes."""


def texts(rows: Path) -> Iterator[str]:
    """The messages, one in memory at a time."""
    with rows.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["text"]


def run(ask: Ask) -> None:
    """Ask, and print one line: right answers, wall and CPU seconds, peak resident MiB of this process."""
    base_url, rows, in_flight = sys.argv[1:]
    started, busy = time.perf_counter(), time.process_time()
    right = ask(base_url, Path(rows), int(in_flight))
    seconds, cpu_s = time.perf_counter() - started, time.process_time() - busy
    # Not getrusage: its peak begins with that of the process which started this one.
    status = Path("/proc/self/status").read_text()
    peak_mb = next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
    print(json.dumps({"right": right, "seconds": seconds, "cpu_s": cpu_s, "peak_mb": peak_mb}))
