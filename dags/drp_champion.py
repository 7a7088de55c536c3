"""Tell who serves a champion that it has changed: promoted or rolled back, in a DAG or on the command line.

Every five minutes the registry is compared with the last event of the asset `drp_checkpoint`. What moved in
between is one event. Its extra has the `champions` of all students and the names of those that `changed`. A
DAG that serves checkpoints is scheduled on this asset; docs/how-to/serve-the-champion.md has one.

If a task fails, its last log line says what to do; docs/runbook.md has a section for each error.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, CronTriggerTimetable, dag, task
from airflow.sdk.exceptions import AirflowSkipException
from drp_task_retries import DEFAULT_ARGS

checkpoint = Asset("drp_checkpoint")


@dag(
    schedule=CronTriggerTimetable("*/5 * * * *", timezone="UTC", run_immediately=timedelta(0)),
    catchup=False, max_active_runs=1, is_paused_upon_creation=False,
    default_args=DEFAULT_ARGS, tags=["drp", "registry"], doc_md=__doc__,
)  # fmt: skip
def drp_champion() -> None:
    @task(inlets=[checkpoint], outlets=[checkpoint])
    def announce(*, inlet_events: Any = None, outlet_events: Any = None) -> None:
        """Update the asset `drp_checkpoint` if a champion has changed since its last event, else skip."""
        from drp.config import settings
        from drp.registry import champion_event, open_registry

        events = inlet_events[checkpoint]
        with open_registry(settings().resolved_database_url) as registry:
            event = champion_event(registry.moves(), events[-1].extra if len(events) else None)
        if event is None:
            raise AirflowSkipException("no champion has changed")
        outlet_events[checkpoint].extra = event

    announce()


drp_champion()
