"""Print facts about a parsed DAG as JSON, in a clean interpreter. Arguments: FOLDER DAG."""

import json
import sys

from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import ParamValidationError

HEAVY = ("great_expectations", "duckdb", "pandas", "pyarrow", "sympy", "torch", "drp.stages", "drp.lake")

# Parameters with values that the DAG accepts or rejects.
CANDIDATES = [
    ("recipe", "drp"), ("recipe", "my/own.yaml"), ("recipe", "no such thing"), ("recipe", None),
    ("traces", None), ("traces", "traces.parquet"), ("traces", ""), ("traces", 3),
    ("run_date", ""), ("run_date", "2026-11-21"), ("run_date", "yesterday"), ("run_date", None),
    ("sample_size", None), ("sample_size", 1), ("sample_size", 0), ("sample_size", "all"),
    ("backlog", True), ("backlog", "some"),
    ("corpus_version", None), ("corpus_version", 1), ("corpus_version", 0),
    ("approval", True), ("approval", "no"),
]  # fmt: skip

bag = DagBag(sys.argv[1])
loaded = [module for module in HEAVY if module in sys.modules]
dag = bag.dags[sys.argv[2]]


def takes(name: str, value: object) -> bool:
    try:
        dag.params.get_param(name).resolve(value)
    except ParamValidationError:
        return False
    return True


facts = {
    "import_errors": bag.import_errors,
    "heavy_modules": loaded,
    "doc_md": dag.doc_md,
    "catchup": dag.catchup,
    "max_active_runs": dag.max_active_runs,
    "cron": getattr(dag.timetable, "expression", None),
    "tags": sorted(dag.tags),
    "params": {name: dag.params[name] for name in dag.params},
    "takes": [[name, value, takes(name, value)] for name, value in CANDIDATES if name in dag.params],
    "tasks": {
        task.task_id: {
            "pool": task.pool,
            "doc_md": task.doc_md,
            "upstream": sorted(task.upstream_task_ids),
            "retries": task.retries,
            "has_retry_policy": task.retry_policy is not None,
            "outlets": [asset.name for asset in task.outlets],
        }
        for task in dag.tasks
    },
}
print(json.dumps(facts))
