"""Let a task start processes (`multiprocessing` with spawn).

A spawned process first runs the file of the main program again, which here is Airflow's. That takes seconds,
and it fails in a task, because tasks may not open Airflow's database. DRP's processes need only the modules
that they import, and a main program without a file is not run again.
"""

import sys
from typing import Any

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin


class ForgetMainFile:
    """Removes `__file__` of the main module in the task's process, before the task runs."""

    @hookimpl
    def on_task_instance_running(self, task_instance: Any) -> None:
        vars(sys.modules["__main__"]).pop("__file__", None)


class DrpProcessesPlugin(AirflowPlugin):
    name = "drp_multiprocessing"
    listeners = [ForgetMainFile()]  # noqa: RUF012
