"""Entry point of the sampling subprocess, run in the training or inference environment.

`drp.runtime.sample` starts it when the student's engine needs packages that the orchestrator does not have.
"""

from drp.config import Recipe
from drp.core.stage_names import EVALUATE, ROLLOUT
from drp.jobs import read_job_document
from drp.lake import open_lake
from drp.runtime import RunContext, sample
from drp.stages import evaluate, rollout
from drp.student.engines import take_gpus

TASKS = {ROLLOUT: rollout.sampling_task, EVALUATE: evaluate.sampling_task}
"""What each stage that samples asks for, by the name of the stage."""


def main() -> None:
    """Sample one shard of a stage, for the run and with the recipe that the job's document names."""
    with read_job_document() as job:
        lake = open_lake()
        recipe = Recipe.model_validate(job["recipe"])
        take_gpus(job["part"], recipe.parallel.tensor)
        ctx = RunContext(lake, lake.run(job["run_id"]), recipe, job["workers"])
        sample(ctx, TASKS[job["stage"]](ctx, job["shard"]), part=job["part"], of=job["of"])


if __name__ == "__main__":
    main()
