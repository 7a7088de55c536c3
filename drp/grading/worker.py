"""Run algebra checks one at a time in a disposable process: `python -m drp.grading.worker LIMIT_SECONDS`.

Each input line is a JSON list [gold, prediction]; each output line is a verdict, after a first line that says
the worker is ready. The limit of a check is processor time, so that verdicts do not depend on what else runs
on the machine. A kernel timer ends the process at the limit, even in the middle of a long SymPy operation and
even if the parent process has died. A second timer, of `WALL_FACTOR` times as much wall time, ends a process
that gets no processor time.
"""

import json
import logging
import os
import resource
import signal
import sys

READY = "ready"
WALL_FACTOR = 20
_MEMORY_BYTES = 4 << 30
"""Address space limit of a worker, so that a power tower cannot exhaust the machine's memory."""


def main() -> None:
    """Answer checks until the input ends."""
    limit_s = float(sys.argv[1])
    verdicts = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # output of libraries must not be mistaken for a verdict
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C and then closes the input
    for timer in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(timer, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    logging.disable(logging.CRITICAL)

    from drp.grading.equality import algebra_verdict

    algebra_verdict("$x^2+\\pi$", "$x x$")  # warm up: SymPy's first check takes a second of imports
    print(READY, file=verdicts, flush=True)
    for line in sys.stdin:
        gold, prediction = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, limit_s)
        signal.setitimer(signal.ITIMER_REAL, limit_s * WALL_FACTOR)
        try:
            verdict = algebra_verdict(gold, prediction)
        except Exception:
            verdict = "undecided"
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(verdict, file=verdicts, flush=True)


if __name__ == "__main__":
    main()
