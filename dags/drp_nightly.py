"""The night: recorded traces or fresh rollouts in, an answer-consistent corpus out.

Each task calls the function of drp.stages that has its name, and does nothing when that was done before:
**clear** any task, or trigger a date again, without fear. Nothing is published unless the gate let the night
pass; a night that it stops is *quarantined*, its rows are kept, and its report says why.

What to do when a task fails is in its last log line, and in docs/runbook.md under the error's name.
Asset: `drp_corpus` is updated when, and only when, the corpus has a new version.
"""

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import (
    Asset,
    CronTriggerTimetable,
    Param,
    TriggerRule,
    dag,
    get_current_context,
    task,
    task_group,
)
from airflow.sdk.exceptions import AirflowSkipException
from drp_batches import teacher_task
from drp_failures import DEFAULT_ARGS

corpus = Asset("drp_corpus")

PARAMS = {
    "recipe": Param("drp", type="string", pattern=r"^([a-z][a-z0-9_]*|.+\.ya?ml)$", title="Recipe",
                    description="Name of a recipe in drp/config/recipes, or path of a YAML file."),
    "traces": Param(None, type=["string", "null"], minLength=1, title="Recorded traces",
                    description="A file to replay. Empty: tonight's rollouts are sampled."),
    "run_date": Param("", type="string", pattern=r"^(\d{4}-\d{2}-\d{2})?$", title="Date",
                      description="The night to do, or to do again. Empty: the date of the run."),
    "sample_size": Param(None, type=["integer", "null"], minimum=1, title="Questions",
                         description="At most so many are rolled out. Empty: the recipe's number."),
}  # fmt: skip


def tonight(began: datetime | None = None) -> Any:
    """The night this run is about; `began` of a task that leaves while the teacher is out."""
    from drp.runtime import open_night

    context = get_current_context()
    run_date = context["params"]["run_date"] or context["dag_run"].run_after.date().isoformat()
    return open_night(context["params"]["recipe"], run_date, may_defer_since=began)


@dag(
    # Switched on, it waits for the next 01:00: with a start date it would do last night at once.
    schedule=CronTriggerTimetable("0 1 * * *", timezone="UTC", run_immediately=timedelta(0)),
    catchup=False, max_active_runs=1, is_paused_upon_creation=False,
    default_args=DEFAULT_ARGS, params=PARAMS, tags=["drp", "corpus"], doc_md=__doc__,
)  # fmt: skip
def drp_nightly() -> None:
    @task
    def ingest() -> None:
        """Recorded traces, or generated questions, become rows; what cannot be used is a dead letter."""
        from drp.stages.ingest import ingest

        ingest(tonight(), get_current_context()["params"]["traces"])

    @task
    def plan() -> list[str]:
        """Tonight's work is what is missing, in at most twelve shards. Returns their names, logs the cost."""
        from drp.runtime import estimate
        from drp.stages.plan import plan

        night, params = tonight(), get_current_context()["params"]
        shards = plan(night, replay_only=params["traces"] is not None, sample_size=params["sample_size"])
        estimate(night, shards)
        return shards

    @task(pool="gpu", map_index_template="{{ task.op_kwargs['name'] }}")
    def rollout(name: str) -> None:
        """The student answers the shard's questions. Nothing to do when traces are replayed."""
        from drp.stages.rollout import rollout

        rollout(tonight(), name)

    @teacher_task(pool="teacher", map_index_template="{{ task.op_kwargs['name'] }}")
    def decompose(name: str, began: datetime | None = None) -> None:
        """The teacher cuts each trace into skill-labelled steps; hopeless rollouts are rejected unsent."""
        from drp.stages.decompose import decompose

        decompose(tonight(began), name)

    @teacher_task(pool="teacher", map_index_template="{{ task.op_kwargs['name'] }}")
    def prune(name: str, began: datetime | None = None) -> None:
        """The teacher prunes step by step; every revision is accepted, or rejected with its reasons."""
        from drp.stages.prune import prune

        prune(tonight(began), name)

    @task_group
    def shard(name: str) -> None:
        """One shard's way from question to revision; shards do not wait for one another."""
        rollout(name=name) >> decompose(name=name) >> prune(name=name)

    @task(trigger_rule=TriggerRule.NONE_FAILED)  # a night without work has no shards: skipped, not failed
    def gate() -> None:
        """The counts must add up and the contract must hold, or the night is quarantined."""
        from drp.stages.gate import gate

        gate(tonight())

    @task
    def publish() -> dict[str, Any]:
        """The night becomes part of the corpus in one step. Returns the version, and whether it moved."""
        from drp.stages.publish import publish

        return dict(publish(tonight()))

    @task(outlets=[corpus])
    def announce(published: dict[str, Any], *, outlet_events: Any = None) -> None:
        """Updates the asset `drp_corpus`; skipped when the night added nothing."""
        if not published["moved"]:
            raise AirflowSkipException(f"still corpus version {published['corpus_version']}")
        recipe = get_current_context()["params"]["recipe"]
        outlet_events[corpus].extra = {"corpus_version": published["corpus_version"], "recipe": recipe}

    @task(trigger_rule=TriggerRule.ALL_DONE)  # a night that failed needs its page most of all
    def report() -> str:
        """Writes the night's page, also for a quarantined night. Returns its address."""
        from drp.stages.report import report

        return report(tonight())

    names: Any = plan()
    shards = shard.expand(name=names)
    published: Any = publish()
    ingest() >> names
    shards >> gate() >> published
    [shards, published] >> report()
    announce(published)


drp_nightly()
