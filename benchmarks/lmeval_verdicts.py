"""The half of benchmarks/crosscheck that runs where lm-eval is: it has lm-eval judge stored generations.

python -m benchmarks.lmeval_verdicts FOLDER, by an interpreter that has lm-eval and not drp. FOLDER holds a
YAML file for each task and the JSON lines that it names; `verdicts.json` is left beside them: for each task
and filter `exact_match` as lm-eval reports it, and for each sample what was extracted and if it is right.
"""

import json
import sys
from pathlib import Path
from typing import Any

from lm_eval import simple_evaluate
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.models.utils import postprocess_generated_text
from lm_eval.tasks import TaskManager

THINK_END = "</think>"


class Replay(LM):
    """A model that has said it all before: its answer is in the document that it is asked about."""

    def generate_until(self, requests: list[Instance]) -> list[str]:
        """What was generated, cut as lm-eval's own models cut it when told how thinking ends."""
        return [
            postprocess_generated_text(asked.doc["generation"], asked.args[1]["until"], THINK_END)
            for asked in requests
        ]

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        """No task here asks for it."""
        raise NotImplementedError

    def loglikelihood_rolling(self, requests: list[Instance]) -> list[float]:
        """No task here asks for it."""
        raise NotImplementedError


def judged(folder: Path) -> dict[str, Any]:
    """lm-eval's verdicts on all tasks of the folder."""
    tasks = sorted(path.stem for path in folder.glob("*.yaml"))
    manager = TaskManager(include_path=str(folder), include_defaults=False)
    found = simple_evaluate(Replay(), tasks=tasks, task_manager=manager, bootstrap_iters=0)
    samples = [
        {
            "task": task,
            "filter": row["filter"],
            "sample_id": row["doc"]["sample_id"],
            "read": row["resps"][0][0],
            "extracted": row["filtered_resps"][0],
            "right": bool(row["exact_match"]),
        }
        for task in tasks
        for row in found["samples"][task]
    ]
    return {"results": {task: found["results"][task] for task in tasks}, "samples": samples}


if __name__ == "__main__":
    given = Path(sys.argv[1])
    (given / "verdicts.json").write_text(json.dumps(judged(given), default=str))
