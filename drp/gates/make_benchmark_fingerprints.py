"""Make the bundled fingerprints of the benchmarks from their questions.

    python -m drp.gates.make_benchmark_fingerprints ../shared/data

The folder holds gsm8k, math, math500, prm12k, aime24, aime25 and amc23 as Parquet with columns `question` and
`split`. Only hashes are written. The same questions give the same file, byte for byte.
"""

import argparse
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pyarrow.parquet as pq

from drp.gates.leaks import FINGERPRINTS, WINDOW, exact_hash, normalise, pack, unpack, window_hashes

BENCHMARKS = ("gsm8k", "math500", "aime24", "aime25", "amc23")
"""Benchmarks whose test splits are fingerprinted."""

TRAINING = ("gsm8k", "math", "prm12k")
"""Data sets whose train splits determine which windows are boilerplate."""


def fingerprint(folder: Path) -> bytes:
    """Return the content of the fingerprints file for the Parquet files in `folder`."""
    benchmarks = {name: _hashes(_questions(folder / f"{name}.parquet", "test")) for name in BENCHMARKS}
    training = [_hashes(_questions(folder / f"{name}.parquet", "train")) for name in TRAINING]
    boilerplate = _repeated_windows(training) | _repeated_windows(benchmarks.values())
    exact = {name: sorted(hashes) for name, hashes in benchmarks.items()}
    windows = {
        name: sorted(set().union(*hashes.values()) - boilerplate) for name, hashes in benchmarks.items()
    }
    return pack(exact, windows)


def _questions(path: Path, split: str) -> list[str]:
    rows = pq.read_table(path, columns=["question", "split"]).to_pylist()
    return [row["question"] for row in rows if row["split"] == split]


def _hashes(questions: Iterable[str]) -> dict[int, set[int]]:
    """Return the windows of each question by its exact hash, so that a repeated question counts once."""
    normalised = map(normalise, questions)
    return {exact_hash(words): set(window_hashes(words)) for words in normalised}


def _repeated_windows(sets: Iterable[dict[int, set[int]]]) -> set[int]:
    """Return the windows that occur in at least two different questions."""
    distinct = {exact: windows for hashes in sets for exact, windows in hashes.items()}
    counts = Counter(window for windows in distinct.values() for window in windows)
    return {window for window, count in counts.items() if count > 1}


def main() -> None:
    """Write the file next to this module and print a summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="Parquet files of the benchmarks and training sets")
    folder = parser.parse_args().folder
    blob = fingerprint(folder)
    Path(__file__).with_name(FINGERPRINTS).write_bytes(blob)
    exact, windows = (Counter(hashes.values()) for hashes in unpack(blob))
    print(f"{FINGERPRINTS}: {len(blob):,} bytes")
    for name in BENCHMARKS:
        print(f"{name}: {exact[name]} questions, {windows[name]} windows of {WINDOW} words")


if __name__ == "__main__":
    main()
