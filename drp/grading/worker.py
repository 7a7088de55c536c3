"""One check after the other, in a process that may be lost: `python -m drp.grading.worker LIMIT_SECONDS`.

A line in is a JSON list [gold, prediction], a line out a verdict; the first line out says that it is ready.
The clock starts here, when a check is picked up: the kernel's timer ends the process at the limit, even in
the middle of one long operation of SymPy and when nobody is left to read the verdict.
"""

import json
import logging
import os
import resource
import signal
import sys

READY = "ready"
_MEMORY_BYTES = 4 << 30
"""Address space of a worker: a power tower must not take the machine with it."""


def main() -> None:
    """Answer checks until the input ends."""
    limit_s = float(sys.argv[1])
    verdicts = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # what a library prints must not be taken for a verdict
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the caller, who then closes the input
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    logging.disable(logging.CRITICAL)

    from drp.grading.equality import algebra_verdict

    algebra_verdict("$x^2$", "$x x$")  # SymPy's first check costs a second of imports and caches
    print(READY, file=verdicts, flush=True)
    for line in sys.stdin:
        gold, prediction = json.loads(line)
        signal.setitimer(signal.ITIMER_REAL, limit_s)
        try:
            verdict = algebra_verdict(gold, prediction)
        except Exception:
            verdict = "undecided"
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(verdict, file=verdicts, flush=True)


if __name__ == "__main__":
    main()
