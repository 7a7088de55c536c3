"""A whole night of many traces: rollouts a second and peak memory by stage, and how both grow with it.

    .venv/bin/python -m benchmarks.night ../shared/data/traces.parquet --sizes 10000 100000

The traces of the file are repeated with their ids made distinct: each repetition ends its questions with a
unique word in brackets. That word has no digit, and the traces stay as they are, so that every copy is
graded, cut and pruned like its original. For each size a night runs by itself in a fresh process on a fresh
lake, stage by stage as `drp nightly` does it; peak memory is the resident set (VmHWM) of the largest process,
this one's night or one of its workers.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.compute as pc
import pyarrow.parquet as pq

MEMORY_RATIO = 1.2
"""A larger night may need so much more memory than a smaller one."""
TIME_RATIO = 1.2
"""A stage may take so much longer for a rollout of a larger night: more is worse than linear."""
MEMORY_LIMIT_MB = 1_536
POLL_S = 0.2


@dataclass
class Stage:
    """What one stage took: seconds, and the peak resident set of the night's own process and of a worker."""

    seconds: float = 0.0
    main_mb: float = 0.0
    worker_mb: float = 0.0


def write_traces(source: Path, size: int, target: Path) -> None:
    """Write `size` traces to `target`, made from those of `source`; one copy of them is in memory."""
    table = pq.read_table(source)
    with pq.ParquetWriter(target, table.schema, compression="zstd", compression_level=3) as writer:
        for copy in range(math.ceil(size / table.num_rows)):
            some = table.slice(0, size - copy * table.num_rows)
            marked = pc.binary_join_element_wise(some["question"], f" (variant {_word(copy)})", "")
            column = some.column_names.index("question")
            writer.write_table(some.set_column(column, "question", marked), row_group_size=128)


def _word(number: int) -> str:
    """A word of four letters for each number below 456,976."""
    return "".join(chr(ord("a") + number // 26**place % 26) for place in (3, 2, 1, 0))


def run_night(traces: Path) -> None:
    """Do the night stage by stage, in this process; say when one begins, and what it took."""
    from drp.runtime.context import open_night
    from drp.stages.decompose import decompose
    from drp.stages.gate import gate
    from drp.stages.ingest import ingest
    from drp.stages.plan import plan
    from drp.stages.prune import prune
    from drp.stages.publish import publish
    from drp.stages.report import report

    night = open_night("drp", "2026-01-01")
    given: list[str | None] = []
    shards: list[str] = []
    stages: dict[str, Callable[[], object]] = {
        "ingest": lambda: given.append(ingest(night, str(traces))),
        "plan": lambda: shards.extend(plan(night, given=given[0])),
        "decompose": lambda: [decompose(night, shard) for shard in shards],
        "prune": lambda: [prune(night, shard) for shard in shards],
        "gate": lambda: gate(night),
        "publish": lambda: publish(night),
        "report": lambda: report(night),
    }
    for name, stage in stages.items():
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
        print(json.dumps({"stage": name}), flush=True)
        started = time.perf_counter()
        stage()
        print(json.dumps({"seconds": time.perf_counter() - started, "mb": _peak_mb(os.getpid())}), flush=True)
    print(json.dumps({"rows": night.lake.corpus.current().rows()}), flush=True)


def measure(source: Path, size: int) -> dict[str, Stage]:
    """Do a night of `size` traces in a fresh process on a fresh lake; what each stage took."""
    with TemporaryDirectory(prefix="drp-night-") as folder:
        traces = Path(folder) / "traces.parquet"
        write_traces(source, size, traces)
        command = [sys.executable, "-m", "benchmarks.night", str(traces), "--inside"]
        environment = {**os.environ, "DRP_LAKE": f"{folder}/lake"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as night:  # noqa: S603
            stages = _watch(night)
    if night.returncode:
        sys.exit(f"the night of {size:,} traces ended with status {night.returncode}")
    return stages


def _watch(night: "subprocess.Popen[str]") -> dict[str, Stage]:
    """Follow a night to its end: what it says of its stages, and the memory of its workers meanwhile."""
    stages: dict[str, Stage] = {}
    ended = threading.Event()

    def poll() -> None:
        while not ended.wait(POLL_S):
            if stages:
                stage = stages[list(stages)[-1]]
                stage.worker_mb = max([stage.worker_mb, *map(_peak_mb, _children(night.pid))])

    poller = threading.Thread(target=poll)
    poller.start()
    try:
        assert night.stdout is not None
        for line in night.stdout:
            said = json.loads(line)
            if "stage" in said:
                stages[said["stage"]] = Stage()
            elif "rows" in said:
                print("rows: " + ", ".join(f"{n:,} {table}" for table, n in sorted(said["rows"].items())))
            else:
                stage = stages[list(stages)[-1]]
                stage.seconds, stage.main_mb = said["seconds"], said["mb"]
                print(f"{list(stages)[-1]} took {stage.seconds:,.1f} s", file=sys.stderr)
    finally:
        ended.set()
        poller.join()
    return stages


def _children(pid: int) -> list[int]:
    """All processes below `pid`."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").glob("*/children"))
        direct = [int(child) for task in tasks for child in task.read_text().split()]
    except OSError:  # it ended meanwhile
        return []
    return [*direct, *(grandchild for child in direct for grandchild in _children(child))]


def _peak_mb(pid: int) -> float:
    """The most memory that a process ever had resident, in MiB; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)


def print_night(size: int, stages: dict[str, Stage]) -> None:
    """One line a stage, and the slowest one's share."""
    total = sum(stage.seconds for stage in stages.values())
    print(f"{'stage':<12}{'seconds':>10}{'rollouts/s':>12}{'share':>8}{'peak MB':>10}{'worker MB':>11}")
    for name, stage in stages.items():
        print(
            f"{name:<12}{stage.seconds:>10.1f}{size / stage.seconds:>12,.0f}{stage.seconds / total:>8.0%}"
            f"{stage.main_mb:>10,.0f}{stage.worker_mb:>11,.0f}"
        )
    slowest = max(stages, key=lambda name: stages[name].seconds)
    print(f"{'all':<12}{total:>10.1f}{size / total:>12,.0f}{'':>8}{peak_mb(stages):>10,.0f}")
    print(f"slowest stage: {slowest}, {stages[slowest].seconds / total:.0%} of the night\n")


def peak_mb(stages: dict[str, Stage]) -> float:
    """Peak memory of the largest process of a night."""
    return max(max(stage.main_mb, stage.worker_mb) for stage in stages.values())


def print_growth(small: int, large: int, nights: dict[int, dict[str, Stage]]) -> None:
    """How memory, and each stage's seconds a rollout, grow from a small night to a large one."""
    before, after = nights[small], nights[large]
    print(f"from {small:,} to {large:,} rollouts:")
    ratio = peak_mb(after) / peak_mb(before)
    print(f"{'peak memory':<30}{ratio:>7.2f}x{_mark(ratio > MEMORY_RATIO, f'more than {MEMORY_RATIO}x')}")
    for name in after:
        ratio = after[name].seconds / before[name].seconds * small / large
        mark = _mark(ratio > TIME_RATIO, "slower than linear")
        print(f"{f'{name}, seconds a rollout':<30}{ratio:>7.2f}x{mark}")


def _mark(is_broken: bool, limit: str) -> str:
    return f"   <<< LIMIT BROKEN: {limit}" if is_broken else ""


def main() -> None:
    """Measure the sizes from the command line and compare the largest with the smallest."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("traces", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[2_000, 10_000], help="traces of each night")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        run_night(arguments.traces)
        return
    nights: dict[int, dict[str, Stage]] = {}
    for size in sorted(arguments.sizes):
        print(f"a night of {size:,} rollouts")
        nights[size] = measure(arguments.traces.resolve(), size)
        print_night(size, nights[size])
        highest = peak_mb(nights[size])
        if highest > MEMORY_LIMIT_MB:
            print(_mark(True, f"{highest:,.0f} MB in one process, more than {MEMORY_LIMIT_MB:,}"))
    if len(nights) > 1:
        print_growth(min(nights), max(nights), nights)


if __name__ == "__main__":
    main()
