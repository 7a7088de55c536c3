"""Fine-tune the student on a new corpus version, evaluate and register it, and promote it if it is better.

Each task calls the function of drp.stages with the same name, which skips work that is already done. So it is
safe to **clear** any task or to trigger a date again. Every checkpoint is registered. It becomes the champion
only if the recipe's rule shows that its answers are shorter and not less accurate. With *approval*, a person
decides first. A rejected or failed promotion does not change the champion: see `drp registry list`.

If a task fails, its last log line says what to do; docs/runbook.md has a section for each error.
Asset: `drp_checkpoint` is updated only when there is a new champion. The DAG `drp_champion` updates it when
somebody promotes or rolls back on the command line.
"""

from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Asset, Param, TriggerRule, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException
from drp_task_retries import DEFAULT_ARGS

corpus, checkpoint = Asset("drp_corpus"), Asset("drp_checkpoint")

PARAMS = {
    "recipe": Param("", type="string", pattern=r"^([a-z][a-z0-9_]*|.+\.ya?ml)?$", title="Recipe",
                    description="A name, or the path of a YAML file. Empty: the recipe of the night before."),
    "run_date": Param("", type="string", pattern=r"^(\d{4}-\d{2}-\d{2})?$", title="Date",
                      description="The training to run, or to run again. Empty: the date of the DAG run."),
    "corpus_version": Param(None, type=["integer", "null"], minimum=1, title="Corpus version",
                            description="The version to train on. Empty: the current version."),
    "approval": Param(False, type="boolean", title="Ask a person",
                      description="Before a checkpoint becomes the champion."),
}  # fmt: skip


def this_run() -> Any:
    """Open the training run of this DAG run."""
    from drp.runtime import open_training

    context = get_current_context()
    run_date = context["params"]["run_date"] or context["dag_run"].run_after.date().isoformat()
    return open_training(context["params"]["recipe"] or recipe_of_trigger(context), run_date)


def recipe_of_trigger(context: Any) -> str:
    """Return the recipe of the night that published the new corpus version."""
    by_asset = context["triggering_asset_events"]
    events = [event for asset_events in by_asset.values() for event in asset_events]
    return str(events[-1].extra["recipe"]) if events else "drp"


@dag(
    schedule=corpus, catchup=False, max_active_runs=1, is_paused_upon_creation=False,
    default_args=DEFAULT_ARGS, params=PARAMS, tags=["drp", "training"], doc_md=__doc__,
)  # fmt: skip
def drp_train_eval() -> None:
    @task
    def prepare() -> list[str]:
        """Plan what to train and evaluate: the base student, the recipe's arms and the champion."""
        from drp.stages.prepare import prepare

        run = this_run()
        if run.recipe.evaluation is None:
            raise AirflowSkipException(f"recipe {run.recipe.name} has no evaluation, so nothing is trained")
        return prepare(run, get_current_context()["params"]["corpus_version"])

    @task(pool="gpu", map_index_template="{{ task.op_kwargs['name'] }}")
    def train(name: str) -> None:
        """Fine-tune the student on one arm's examples, merge the adapter and store the checkpoint."""
        from drp.stages.train import train

        train(this_run(), name)

    @task
    def benchmarks(names: list[str]) -> list[str]:
        """Return the shards: one for each checkpoint and benchmark."""
        from drp.stages.evaluate import shards

        return shards(this_run(), names)

    @task(pool="gpu", map_index_template="{{ task.op_kwargs['shard'] }}")
    def evaluate(shard: str) -> None:
        """Let one checkpoint answer one benchmark's questions; store every graded sample as a row."""
        from drp.stages.evaluate import evaluate

        evaluate(this_run(), shard)

    @task
    def compare(names: list[str]) -> dict[str, Any] | None:
        """Compare every arm with the reference: accuracy and tokens with intervals. Return the decision."""
        from dataclasses import asdict

        from drp.stages.compare import compare

        decision = compare(this_run(), names)
        return asdict(decision) if decision else None

    @task
    def register(names: list[str]) -> None:
        """Add every checkpoint to the registry, with its scores."""
        from drp.stages.register import register

        register(this_run(), names)

    @task.branch
    def gatekeeper() -> str:
        """Go to the task `approve` if a person is to decide, else to `promote`."""
        return "approve" if get_current_context()["params"]["approval"] else "promote"

    approve = ApprovalOperator(
        task_id="approve",
        subject="Should the candidate become the champion?",
        body="{{ ti.xcom_pull('compare') }}",
    )

    @task(inlets=[checkpoint], outlets=[checkpoint], trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS)
    def promote(
        decision: dict[str, Any] | None, *, inlet_events: Any = None, outlet_events: Any = None
    ) -> None:
        """Make the candidate the champion if the decision says so; skipped otherwise."""
        from drp.config import settings
        from drp.evaluation import PromotionDecision
        from drp.registry import champion_event, open_registry
        from drp.stages.promote import promote

        run = this_run()
        if not promote(run, PromotionDecision(**decision) if decision else None):
            raise AirflowSkipException(
                "the champion does not change" if decision else "the recipe promotes no checkpoint"
            )
        events = inlet_events[checkpoint]
        with open_registry(settings().resolved_database_url) as registry:
            event = champion_event(registry.moves(), events[-1].extra if len(events) else None) or {}
        outlet_events[checkpoint].extra = {**event, "checkpoint_id": (decision or {})["checkpoint_id"]}

    @task(trigger_rule=TriggerRule.ALL_DONE)  # a failed run needs its report most
    def report(names: list[str] | None) -> str:
        """Write the run's report. Return its address."""
        from drp.stages.train_report import train_report

        if names is None:
            raise AirflowSkipException("nothing was trained")
        return train_report(this_run(), names)

    names: Any = prepare()
    shards = benchmarks(names)
    decision: Any = compare(names)
    branch = gatekeeper()
    train.expand(name=names) >> shards
    evaluate.expand(shard=shards) >> decision >> register(names) >> branch
    promoted = promote(decision)
    branch >> [approve, promoted]
    approve >> promoted >> report(names)


drp_train_eval()
