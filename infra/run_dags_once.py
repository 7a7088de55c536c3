"""The DAGs `drp_nightly` and `drp_train_eval`, once, in this process: what `make nightly` runs.

Recorded traces are replayed only: nothing is trained on them.

. infra/airflow.env.sh && python infra/run_dags_once.py [--traces FILE] [--recipe NAME] [--run-date DATE]
    [--backlog 1]

Exit status 0 when the run succeeded; otherwise 1, and the last line says what is wrong, what state the
data is in and which command to run next.
"""

import argparse
import os
import sys
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import rich

HOME = Path(os.environ["AIRFLOW_HOME"])
# A separate database: a scheduler that `make up` started would take this run's tasks.
os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{HOME}/nightly.db"
os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "FATAL"  # what a person needs is printed here

from airflow.dag_processing.dagbag import DagBag  # noqa: E402
from airflow.listeners import hookimpl  # noqa: E402
from airflow.sdk.listener import get_listener_manager  # noqa: E402
from airflow_database import prepare  # noqa: E402

from drp.core import DrpError  # noqa: E402
from drp.questions.importers import absolute  # noqa: E402
from drp.runtime import open_night, open_training  # noqa: E402
from drp.stages.report import summarise  # noqa: E402
from drp.stages.train_report import tables  # noqa: E402


class Listener:
    """Prints a line for each task, and keeps the errors."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []

    @hookimpl
    def on_task_instance_success(self, task_instance: Any) -> None:
        _print_line(task_instance, "done")

    @hookimpl
    def on_task_instance_skipped(self, task_instance: Any) -> None:
        _print_line(task_instance, "skipped")

    @hookimpl
    def on_task_instance_failed(self, task_instance: Any, error: BaseException) -> None:
        _print_line(task_instance, "failed")
        self.errors.append(error)


def _print_line(task: Any, outcome: str) -> None:
    name = f"{task.task_id.removeprefix('shard.')} {task.rendered_map_index or ''}"
    seconds = (datetime.now(UTC) - task.start_date).total_seconds()
    print(f"  {name:<42}{outcome:<10}{seconds:7.1f} s", flush=True)


def main() -> int:
    """Run the DAG; returns the exit status."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--traces", type=lambda text: absolute(text, Path.cwd()) if text else None)
    arguments.add_argument("--recipe", type=lambda text: text or "drp", default="drp")
    today = datetime.now(UTC).date().isoformat()
    arguments.add_argument("--run-date", type=lambda text: text or today, default=today)
    arguments.add_argument("--backlog", type=bool, default=False)  # the Makefile passes an empty word for no
    conf = vars(arguments.parse_args())

    prepare()
    listener = Listener()
    get_listener_manager().add_listener(listener)
    bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    if bag.import_errors:
        sys.exit("\n".join(bag.import_errors.values()))
    state = _run(bag, "drp_nightly", conf)
    with suppress(DrpError):  # a recipe that was refused has no night to show
        night = open_night(conf["recipe"], conf["run_date"])
        rich.print(summarise(night))
        print(f"report: {night.report_address}", flush=True)
        has_examples = bool(night.lake.corpus.current().rows().get("examples"))
        if state == "success" and conf["traces"] is None and night.recipe.evaluation and has_examples:
            state = _run(bag, "drp_train_eval", {name: conf[name] for name in ("recipe", "run_date")})
            training = open_training(conf["recipe"], conf["run_date"])
            rich.print(*tables(training))
            print(f"report: {training.report_address}", flush=True)
    for error in listener.errors:
        if not isinstance(error, DrpError):
            traceback.print_exception(error)
    if state == "success":
        return 0
    print(f"drp: {listener.errors[0] if listener.errors else f'the run ended {state}'}", file=sys.stderr)
    return 1


def _run(bag: DagBag, name: str, conf: dict[str, Any]) -> str:
    print(f"{name}, {conf['run_date']}, recipe {conf['recipe']}", flush=True)
    return str(bag.dags[name].test(run_conf=conf).state)


if __name__ == "__main__":
    sys.exit(main())
