"""What runs in another environment when a stage samples there (drp/jobs/runner.py)."""

from importlib import import_module

from drp.config.recipe import Recipe
from drp.jobs.runner import job
from drp.lake.lake import open_lake
from drp.runtime.context import Night
from drp.runtime.sampling import sample
from drp.student.engines.gpus import take_gpus


def main() -> None:
    """Sample what one shard of a stage wants, for the run and with the recipe that the document names."""
    with job() as asked:
        lake = open_lake()
        recipe = Recipe.model_validate(asked["recipe"])
        take_gpus(asked["part"], recipe.parallel.tensor)
        night = Night(lake, lake.run(asked["run_id"]), recipe, asked["workers"])
        stage = import_module(f"drp.stages.{asked['stage']}")
        sample(night, stage.wanted(night, asked["shard"]), part=asked["part"], of=asked["of"])


if __name__ == "__main__":
    main()
