"""Requests a second of the online driver, beside Bespoke curator and a plain loop; and its memory.

    make build/curator/ready && .venv/bin/python -m benchmarks.teacher_throughput [--memory]

All ask the stand-in of the tests for the same rows, of about 500 tokens in and out, one after the other, each
in a separate process (benchmarks/clients) and with a separate stand-in. An answer takes between half
and one and a half of the mean latency; how long is drawn for each row from a seed. Ideal is as many answers a
second as requests in flight over the mean latency, from the first moment to the last.

whole: all rows over the seconds from the call to the last answer in hand, start and end with it.
steady: the rate at which the stand-in's books grow between the first tenth of the answers and the last. For
    the driver this is to be at least 0.95 of the ideal: it begins with one request, so that a wrong key fails
    once, and then doubles what is under way until it has all of them there.
cpu ms: of the client, a request. server: cores that the stand-in kept busy; near 1 it is the stand-in, in one
    thread, that is measured. others: cores that all other processes kept busy meanwhile; where they and ours
    leave none idle, it is the machine that is measured.

--memory: peak resident memory of the driver for 1,000 and for 50,000 rows of a stand-in that answers at once;
the larger one may be 1.2 times the smaller one. Exit status 1 when a limit is broken.
"""

import argparse
import json
import os
import random
import resource
import string
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fake_provider import Provider, provider
from tests.teacher.transport.online.nights import PLAIN

ROOT = Path(__file__).resolve().parent.parent
CURATOR = ROOT / "build/curator/bin/python"
RATE_LIMIT = 0.95
MEMORY_LIMIT = 1.2
MEMORY_ROWS = (1_000, 50_000)
SPREAD = 0.5
CHARACTERS = 2_000
QUIET = {
    **{"TELEMETRY_ENABLED": "false", "CURATOR_DISABLE_RICH_DISPLAY": "1", "HF_HUB_OFFLINE": "1"},
    **{"LITELLM_LOCAL_MODEL_COST_MAP": "True", "HF_HUB_DISABLE_TELEMETRY": "1"},
}
"""Curator and what it stands on call nobody but the stand-in."""


class ClientFailedError(Exception):
    """A client did not come to its end; the message is its last word."""


@dataclass(frozen=True)
class Run:
    """One client's way through all rows; rates are requests a second."""

    rows: int
    seconds: float
    steady: float
    cpu_s: float
    peak_mb: float
    server_s: float
    others: float
    """Cores."""

    @property
    def whole(self) -> float:
        """Start and end with it."""
        return self.rows / self.seconds


def write_rows(path: Path, count: int) -> None:
    """Rows of made-up words, always the same; no two begin alike."""
    chance = random.Random(1)  # noqa: S311
    words = ["".join(chance.choices(string.ascii_lowercase, k=chance.randint(2, 9))) for _ in range(3000)]
    text = " ".join(chance.choices(words, k=20_000))
    with path.open("w", encoding="utf-8") as lines:
        for number in range(count):
            start = number * 7919 % (len(text) - CHARACTERS)
            lines.write(json.dumps({"text": f"{number}: {text[start : start + CHARACTERS]}"}) + "\n")


def children_cpu_s() -> float:
    """CPU seconds of all processes that this one has started and seen end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def machine_cpu_s() -> float:
    """CPU seconds that all processes of this machine have used since it started."""
    with Path("/proc/stat").open() as lines:
        user, nice, system, _idle, _waiting, *interrupts = map(int, lines.readline().split()[1:8])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def measure(client: str, rows: Path, in_flight: int, latency_s: float, python: Path | str) -> Run:
    """Have a client ask for all rows of a new stand-in.

    Raises:
        ClientFailedError: it did not.
    """
    with provider(**PLAIN, latency_s=latency_s, latency_spread=SPREAD) as server:
        busy, ours, started = machine_cpu_s(), children_cpu_s(), time.perf_counter()
        said = ask(client, server, rows, in_flight, python)
        lasted = time.perf_counter() - started
        others_s = machine_cpu_s() - busy - (children_cpu_s() - ours)
        answered = sorted(entry["at"] for entry in server.books())
        before = children_cpu_s()
    count = sum(1 for _ in rows.open())
    if not said["right"] == len(answered) == count:
        raise ClientFailedError(f"{said['right']} right answers and {len(answered)} billed, of {count}")
    first, last = count // 10, count * 9 // 10
    steady = (last - first) / (answered[last] - answered[first])
    server_s = children_cpu_s() - before
    others = max(0.0, others_s - server_s) / lasted
    return Run(count, said["seconds"], steady, said["cpu_s"], said["peak_mb"], server_s, others)


def ask(client: str, server: Provider, rows: Path, in_flight: int, python: Path | str) -> dict[str, float]:
    """What the program of a client printed at its end."""
    with TemporaryDirectory(prefix="throughput-home-") as home:
        ended = subprocess.run(  # noqa: S603
            [python, "-m", f"benchmarks.clients.{client}", server.base_url, rows, str(in_flight)],
            env={**os.environ, **QUIET, "HOME": home, "OPENAI_API_KEY": server.key},
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
    if ended.returncode:
        lines = ended.stderr.strip().splitlines()
        raise ClientFailedError(lines[-1][:200] if lines else f"it ended with status {ended.returncode}")
    return json.loads(ended.stdout.splitlines()[-1])


def compare(rows: Path, in_flight: int, latency_s: float, curator: Path) -> float:
    """Print how all clients do; gives the driver's steady rate over the ideal."""
    ideal = in_flight / latency_s
    print(
        f"{in_flight} in flight over {latency_s:g} s: ideal {ideal:.1f} requests/s\n"
        f"{'':<20}{'rows':>7}{'seconds':>9}{'whole/s':>9}{'of ideal':>10}{'steady/s':>10}{'of ideal':>10}"
        f"{'drp over it':>13}{'cpu ms':>8}{'server':>8}{'others':>8}"
    )
    pythons = {"drp": sys.executable, "semaphore": sys.executable, "curator": curator}
    runs: dict[str, Run] = {}
    for client, python in pythons.items():
        try:
            if not Path(python).exists():
                raise ClientFailedError("it is not installed; make build/curator/ready")
            run = runs[client] = measure(client, rows, in_flight, latency_s, python)
        except ClientFailedError as error:
            if client == "drp":
                raise
            print(f"{client:<20}not run: {error}")
            continue
        print(
            f"{client:<20}{run.rows:>7,}{run.seconds:>9.1f}{run.whole:>9.1f}{run.whole / ideal:>10.3f}"
            f"{run.steady:>10.1f}{run.steady / ideal:>10.3f}"
            f"{runs['drp'].whole / run.whole:>6.2f}{runs['drp'].steady / run.steady:>7.2f}"
            f"{run.cpu_s / run.rows * 1000:>8.1f}{run.server_s / run.seconds:>8.2f}{run.others:>8.2f}",
            flush=True,
        )
    return runs["drp"].steady / ideal


def compare_memory(folder: Path, in_flight: int) -> float:
    """Print the driver's peak memory for few rows and for many; gives the ratio."""
    peaks = []
    for count in MEMORY_ROWS:
        write_rows(folder / "rows.jsonl", count)
        run = measure("drp", folder / "rows.jsonl", in_flight, 0.0, sys.executable)
        peaks.append(run.peak_mb)
        print(f"memory{count:>21,} rows{run.seconds:>9.1f} s{run.peak_mb:>9.1f} MB", flush=True)
    print(f"memory{peaks[1] / peaks[0]:>41.2f}x")
    return peaks[1] / peaks[0]


def main() -> None:
    """Print the figures; status 1 if a limit is broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=5_120)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--latency", type=float, default=2.0, help="mean, in seconds")
    parser.add_argument("--curator", type=Path, default=CURATOR, help="the python that has curator")
    parser.add_argument("--memory", action="store_true", help="memory instead of rates")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="throughput-") as temporary:
        folder = Path(temporary)
        if options.memory:
            if (ratio := compare_memory(folder, options.in_flight)) > MEMORY_LIMIT:
                sys.exit(f"memory: {ratio:.2f} times > {MEMORY_LIMIT}")
            return
        write_rows(folder / "rows.jsonl", options.rows)
        rate = compare(folder / "rows.jsonl", options.in_flight, options.latency, options.curator)
        if rate < RATE_LIMIT:
            sys.exit(f"steady: {rate:.3f} of the ideal < {RATE_LIMIT}")


if __name__ == "__main__":
    main()
