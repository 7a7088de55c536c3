"""Lets a task start processes of its own (`multiprocessing`, spawn).

A spawned process first runs the main program's file again, which here is Airflow's: that takes seconds, and
in a task it fails, because tasks may not open Airflow's database. Our processes need only what they import;
a main program without a file is not run again.
"""

import sys
from typing import Any

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin


class ForgetMainFile:
    """Listens in the task's process, before the task runs."""

    @hookimpl
    def on_task_instance_running(self, task_instance: Any) -> None:
        vars(sys.modules["__main__"]).pop("__file__", None)


class DrpProcessesPlugin(AirflowPlugin):
    name = "drp_processes"
    listeners = [ForgetMainFile()]  # noqa: RUF012
