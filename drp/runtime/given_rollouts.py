"""Which rollouts a file of recorded traces has: what a night that replays it sends to its teacher.

The rows that a night writes do not tell: it writes only rollouts that the lake lacks. So the ids are kept
with the run, and a night that goes on knows them without reading the file again.
"""

import json
from collections.abc import Iterable

from drp.lake import Run


def keep_given(run: Run, shard: str, rollout_ids: Iterable[str]) -> None:
    """Keep the ids of the rollouts of a file; `shard` is the name of its rows in the stage `ingest`."""
    run.store.put(_key(run, shard), json.dumps(sorted(set(rollout_ids))).encode())


def read_given(run: Run, shard: str) -> list[str] | None:
    """Return the ids that `keep_given` has kept, in order; None if it has not kept any."""
    data = run.store.get(_key(run, shard))
    return None if data is None else [str(rollout_id) for rollout_id in json.loads(data)]


def _key(run: Run, shard: str) -> str:
    return f"_runs/{run.run_id}/given-{shard}.json"
