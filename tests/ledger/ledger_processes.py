"""Functions that the tests run on a ledger in separate processes.

    python -m tests.ledger.ledger_processes NAME [ARGUMENT ...]

The ledger's address is in the environment variable URL.
"""

import os
import sys
import time
from decimal import Decimal

from drp.ledger.ledger import open_ledger
from tests.ledger.ledger_helpers import CENT, RUN, landing, wanted


def claim_and_wait(number: str) -> None:
    """Claim this number of requests, print a line, and land nothing."""
    with open_ledger(os.environ["URL"]) as ledger, ledger.worker() as worker:
        claim = ledger.claim(wanted(range(int(number))), worker, run_id=RUN, backend="online", cap=None)
        print(len(claim.mine), flush=True)
        time.sleep(600)


def land_and_wait(number: str) -> None:
    """Claim and land this number of requests, print a line, and wait."""
    with open_ledger(os.environ["URL"]) as ledger, ledger.worker() as worker:
        claim = ledger.claim(wanted(range(int(number))), worker, run_id=RUN, backend="online", cap=None)
        ledger.land([landing(attempt, text=f"durable {attempt.request_id}") for attempt in claim.mine])
        print("landed", flush=True)
        time.sleep(600)


def race(number: str, size: str) -> None:
    """On a signal, claim the requests that others claim, in groups; land them and print their number."""
    with open_ledger(os.environ["URL"]) as ledger, ledger.worker() as worker:
        print("ready", flush=True)
        sys.stdin.readline()
        own = 0
        for first in range(0, int(number), int(size)):
            group = wanted(range(first, first + int(size)))
            claim = ledger.claim(group, worker, run_id=RUN, backend="online", cap=None)
            ledger.land([landing(attempt) for attempt in claim.mine])
            own += len(claim.mine)
        print(own, flush=True)


def spend(first: str, number: str, cap: str) -> None:
    """On a signal, claim different requests one by one below a shared cap. Print their number."""
    with open_ledger(os.environ["URL"]) as ledger, ledger.worker() as worker:
        print("ready", flush=True)
        sys.stdin.readline()
        own = 0
        for i in range(int(first), int(first) + int(number)):
            claim = ledger.claim(wanted([i]), worker, run_id=RUN, backend="online", cap=Decimal(cap))
            own += len(claim.mine)
            if i % 2:  # some answers cost half of the estimate, which frees budget
                ledger.land([landing(attempt, CENT / 2) for attempt in claim.mine])
        print(own, flush=True)


def open_and_close() -> None:
    """On a signal, open the ledger in whatever state it is."""
    print("ready", flush=True)
    sys.stdin.readline()
    open_ledger(os.environ["URL"]).close()
    print("opened", flush=True)


if __name__ == "__main__":
    name, *words = sys.argv[1:]
    {f.__name__: f for f in (claim_and_wait, land_and_wait, race, spend, open_and_close)}[name](*words)
