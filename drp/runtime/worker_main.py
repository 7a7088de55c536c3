"""What runs in another environment when a stage samples there (drp/jobs/runner.py)."""

from importlib import import_module

from drp.config import Recipe
from drp.jobs import read_job_document
from drp.lake import open_lake
from drp.runtime.context import RunContext
from drp.runtime.sampling import sample
from drp.student.engines import take_gpus


def main() -> None:
    """Sample what one shard of a stage wants, for the run and with the recipe that the document names."""
    with read_job_document() as asked:
        lake = open_lake()
        recipe = Recipe.model_validate(asked["recipe"])
        take_gpus(asked["part"], recipe.parallel.tensor)
        ctx = RunContext(lake, lake.run(asked["run_id"]), recipe, asked["workers"])
        stage = import_module(f"drp.stages.{asked['stage']}")
        sample(ctx, stage.wanted(ctx, asked["shard"]), part=asked["part"], of=asked["of"])


if __name__ == "__main__":
    main()
