"""The corpus has a new version: fine-tune the student on it, measure, register, promote what is better.

Each task calls the function of drp.stages that has its name, and does nothing when that was done before:
**clear** any task, or trigger a date again, without fear. Every checkpoint is registered; it becomes the
champion only if it is shown to be shorter and not less accurate, by the recipe's rule. With *approval* a
person is asked first. A refused or failed promotion leaves the champion as it is: `drp registry list`.

What to do when a task fails is in its last log line, and in docs/runbook.md under the error's name.
Asset: `drp_checkpoint` is updated when, and only when, there is a new champion.
"""

from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Asset, Param, TriggerRule, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException
from drp_failures import DEFAULT_ARGS

corpus, checkpoint = Asset("drp_corpus"), Asset("drp_checkpoint")

PARAMS = {
    "recipe": Param("", type="string", pattern=r"^([a-z][a-z0-9_]*|.+\.ya?ml)?$", title="Recipe",
                    description="A name, or the path of a YAML file. Empty: that of the night before it."),
    "run_date": Param("", type="string", pattern=r"^(\d{4}-\d{2}-\d{2})?$", title="Date",
                      description="The training to do, or to do again. Empty: the date of the run."),
    "corpus_version": Param(None, type=["integer", "null"], minimum=1, title="Corpus version",
                            description="What is trained on. Empty: the current version."),
    "approval": Param(False, type="boolean", title="Ask a person",
                      description="Before a checkpoint becomes the champion."),
}  # fmt: skip


def this_run() -> Any:
    """The training run that this DAG run is about."""
    from drp.runtime import open_training

    context = get_current_context()
    run_date = context["params"]["run_date"] or context["dag_run"].run_after.date().isoformat()
    return open_training(context["params"]["recipe"] or of_the_night(context), run_date)


def of_the_night(context: Any) -> str:
    """The recipe of the night that moved the corpus."""
    events = [event for some in context["triggering_asset_events"].values() for event in some]
    return str(events[-1].extra["recipe"]) if events else "drp"


@dag(
    schedule=corpus, catchup=False, max_active_runs=1, is_paused_upon_creation=False,
    default_args=DEFAULT_ARGS, params=PARAMS, tags=["drp", "training"], doc_md=__doc__,
)  # fmt: skip
def drp_train_eval() -> None:
    @task
    def prepare() -> list[str]:
        """What is trained and measured: the student as it is, the recipe's arms, the champion."""
        from drp.stages.prepare import prepare

        run = this_run()
        if run.recipe.evaluation is None:
            raise AirflowSkipException(f"recipe {run.recipe.name} has no evaluation: it trains nothing")
        return prepare(run, get_current_context()["params"]["corpus_version"])

    @task(pool="gpu", map_index_template="{{ task.op_kwargs['name'] }}")
    def train(name: str) -> None:
        """Fine-tunes the student on one arm's examples, merges, and stores the checkpoint."""
        from drp.stages.train import train

        train(this_run(), name)

    @task
    def benchmarks(names: list[str]) -> list[str]:
        """One shard a checkpoint and benchmark."""
        from drp.stages.evaluate import shards

        return shards(this_run(), names)

    @task(pool="gpu", map_index_template="{{ task.op_kwargs['shard'] }}")
    def evaluate(shard: str) -> None:
        """One checkpoint answers one benchmark's questions; every graded sample is a row."""
        from drp.stages.evaluate import evaluate

        evaluate(this_run(), shard)

    @task
    def compare(names: list[str]) -> dict[str, Any] | None:
        """Every arm beside the reference: accuracy and tokens with intervals. Returns the decision."""
        from dataclasses import asdict

        from drp.stages.compare import compare

        decision = compare(this_run(), names)
        return asdict(decision) if decision else None

    @task
    def register(names: list[str]) -> None:
        """Every checkpoint becomes an entry of the registry, with its scores."""
        from drp.stages.register import register

        register(this_run(), names)

    @task.branch
    def gatekeeper() -> str:
        """To a person, where one is to be asked."""
        return "approve" if get_current_context()["params"]["approval"] else "promote"

    approve = ApprovalOperator(
        task_id="approve",
        subject="Shall the candidate become the champion?",
        body="{{ ti.xcom_pull('compare') }}",
    )

    @task(outlets=[checkpoint], trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS)
    def promote(decision: dict[str, Any] | None, *, outlet_events: Any = None) -> None:
        """Makes the candidate the champion if it was decided so; skipped otherwise."""
        from drp.evaluation import PromotionDecision
        from drp.stages.promote import promote

        if not promote(this_run(), PromotionDecision(**decision) if decision else None):
            raise AirflowSkipException("the champion stays" if decision else "the recipe promotes nothing")
        outlet_events[checkpoint].extra = {"checkpoint_id": (decision or {})["checkpoint_id"]}

    @task(trigger_rule=TriggerRule.ALL_DONE)  # a run that failed needs its page most of all
    def report(names: list[str] | None) -> str:
        """Writes the run's page. Returns its address."""
        from drp.stages.train_report import train_report

        if names is None:
            raise AirflowSkipException("nothing was trained")
        return train_report(this_run(), names)

    names: Any = prepare()
    shards = benchmarks(names)
    decision: Any = compare(names)
    asked = gatekeeper()
    train.expand(name=names) >> shards
    evaluate.expand(shard=shards) >> decision >> register(names) >> asked
    promoted = promote(decision)
    asked >> [approve, promoted]
    approve >> promoted >> report(names)


drp_train_eval()
