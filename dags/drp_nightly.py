"""Turn recorded traces or fresh rollouts into an answer-consistent corpus, every night.

Each task calls the function of drp.stages with the same name, which skips work that is already done. So it is
safe to **clear** any task or to trigger a date again. A night is published only if it passes the gate. If it
does not, it is *quarantined*: its rows are kept, and its report says why.

If a task fails, its last log line says what to do; docs/runbook.md has a section for each error.
Asset: `drp_corpus` is updated only when the corpus gets a new version.
"""

from dataclasses import replace
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
from drp_deferrable_teacher import teacher_task
from drp_task_retries import DEFAULT_ARGS

corpus = Asset("drp_corpus")

PARAMS = {
    "recipe": Param("drp", type="string", pattern=r"^([a-z][a-z0-9_]*|.+\.ya?ml)$", title="Recipe",
                    description="Name of a recipe in drp/config/recipes, or path of a YAML file."),
    "traces": Param(None, type=["string", "null"], minLength=1, title="Recorded traces",
                    description="A file to replay. Empty: sample new rollouts."),
    "run_date": Param("", type="string", pattern=r"^(\d{4}-\d{2}-\d{2})?$", title="Date",
                      description="The night to run, or to run again. Empty: the date of the DAG run."),
    "sample_size": Param(None, type=["integer", "null"], minimum=1, title="Questions",
                         description="Roll out at most this many. Empty: the recipe's number."),
    "backlog": Param(False, type="boolean", title="Backlog",
                     description="Revise also what other files and students have left pending."),
}  # fmt: skip


def tonight(began: datetime | None = None) -> Any:
    """Open the night of this DAG run; a task that may defer while batches are pending passes `began`."""
    from drp.runtime import night_command, open_night

    context = get_current_context()
    params = context["params"]
    run_date = params["run_date"] or context["dag_run"].run_after.date().isoformat()
    given = {name: params[name] for name in ("traces", "sample_size", "backlog")}
    night = open_night(params["recipe"], run_date, may_defer_since=began)
    return replace(night, command=night_command(params["recipe"], run_date, **given))


@dag(
    # Once unpaused, wait for the next 01:00. With a start date, Airflow would run the last night at once.
    schedule=CronTriggerTimetable("0 1 * * *", timezone="UTC", run_immediately=timedelta(0)),
    catchup=False, max_active_runs=1, is_paused_upon_creation=False,
    default_args=DEFAULT_ARGS, params=PARAMS, tags=["drp", "corpus"], doc_md=__doc__,
)  # fmt: skip
def drp_nightly() -> None:
    @task
    def ingest() -> str | None:
        """Store recorded traces or generated questions as rows. Return the name of the file's rows."""
        from drp.stages.ingest import ingest

        return ingest(tonight(), get_current_context()["params"]["traces"])

    @task
    def plan(given: str | None) -> list[str]:
        """Divide the missing work into at most twelve shards. Return their names, log the estimated cost."""
        from drp.runtime import estimate, preflight
        from drp.stages.plan import plan

        night, params = tonight(), get_current_context()["params"]
        shards = plan(night, given=given, sample_size=params["sample_size"], backlog=params["backlog"])
        preflight(night.run_id, night.recipe_option)
        estimate(night, shards)
        return shards

    @task(pool="gpu", map_index_template="{{ task.op_kwargs['name'] }}")
    def rollout(name: str) -> None:
        """Let the student answer the shard's questions. Do nothing if traces are replayed."""
        from drp.stages.rollout import rollout

        rollout(tonight(), name)

    @teacher_task(pool="teacher", map_index_template="{{ task.op_kwargs['name'] }}")
    def decompose(name: str, began: datetime | None = None) -> None:
        """Let the teacher cut traces into skill-labelled steps; reject unusable rollouts before sending."""
        from drp.stages.decompose import decompose

        decompose(tonight(began), name)

    @teacher_task(pool="teacher", map_index_template="{{ task.op_kwargs['name'] }}")
    def prune(name: str, began: datetime | None = None) -> None:
        """Let the teacher prune step by step; accept every revision or reject it with its reasons."""
        from drp.stages.prune import prune

        prune(tonight(began), name)

    @task_group
    def shard(name: str) -> None:
        """Process one shard from question to revision; shards do not wait for each other."""
        rollout(name=name) >> decompose(name=name) >> prune(name=name)

    @task(trigger_rule=TriggerRule.NONE_FAILED)  # without work there are no shards, and prune is skipped
    def gate() -> None:
        """Check that the counts add up and the contract holds; otherwise quarantine the night."""
        from drp.stages.gate import gate

        gate(tonight())

    @task
    def publish() -> dict[str, Any]:
        """Add the night to the corpus in one step. Return the version, and whether it is new."""
        from drp.stages.publish import publish

        return dict(publish(tonight()))

    @task(outlets=[corpus])
    def announce(published: dict[str, Any], *, outlet_events: Any = None) -> None:
        """Update the asset `drp_corpus`; skipped if the night added nothing."""
        if not published["moved"]:
            raise AirflowSkipException(f"no new corpus version: it is still {published['corpus_version']}")
        recipe = get_current_context()["params"]["recipe"]
        outlet_events[corpus].extra = {"corpus_version": published["corpus_version"], "recipe": recipe}

    @task(trigger_rule=TriggerRule.ALL_DONE)  # a failed night needs its report most
    def report() -> str:
        """Write the night's report, also for a quarantined night. Return its address."""
        from drp.stages.report import report

        return report(tonight())

    given: Any = ingest()
    names: Any = plan(given)
    shards = shard.expand(name=names)
    published: Any = publish()
    shards >> gate() >> published
    [shards, published] >> report()
    announce(published)


drp_nightly()
