"""`kill -9` at random moments, then run again: the same corpus, row for row, and no recorded work done twice.

DRP_KILLS and DRP_KILLS_AIRFLOW say how often (defaults 18 and 2), DRP_KILLS_SEED draws the same moments:

    DRP_KILLS=180 DRP_KILLS_AIRFLOW=20 pytest tests/chaos
"""

import os
import random
import sys
from pathlib import Path

import pytest
import yaml

from drp.config.recipe import RECIPES
from tests.chaos.kills import Killer, Undisturbed
from tests.helpers.airflow_home import environment
from tests.scripted_student.server import scripted

pytestmark = pytest.mark.chaos


QUESTIONS = 24
"""Three shards."""


def tonight(folder: Path) -> list[str]:
    """Arguments of a small night."""
    recipe = yaml.safe_load((RECIPES / "drp.yaml").read_text(encoding="utf-8"))
    recipe |= scripted(QUESTIONS, 3)
    recipe["gates"]["night"]["min_rollouts"] = QUESTIONS
    path = folder / "drp.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return ["--recipe", str(path), "--run-date", "2026-11-20"]


def kill(killer: Killer, reference: Undisturbed, kills: int) -> None:
    """Night after night until `kills` are done."""
    left = kills
    while left:
        left -= killer.night(reference, left)
    assert killer.figures.kills.total() == kills


def test_killed_nights_come_to_the_undisturbed_corpus(tmp_path, capsys):
    seed = int(os.environ.get("DRP_KILLS_SEED") or random.SystemRandom().randrange(2**32))
    print(f"DRP_KILLS_SEED={seed}")  # captured: shown if the test fails
    rng = random.Random(seed)  # noqa: S311
    arguments, env = tonight(tmp_path), environment(tmp_path, DRP_WORKERS="1")
    drp = Killer("drp", ["nightly", *arguments], env, tmp_path / "drp", rng)
    airflow = Killer("airflow", arguments, env, tmp_path / "airflow-lakes", rng)

    undisturbed = drp.undisturbed()
    kill(drp, undisturbed, int(os.environ.get("DRP_KILLS", "18")))
    kill(airflow, undisturbed, int(os.environ.get("DRP_KILLS_AIRFLOW", "2")))

    with capsys.disabled():  # on stderr, which also reaches a person from a process of pytest-xdist
        print(f"\nDRP_KILLS_SEED={seed}", drp, airflow, sep="\n", file=sys.stderr)
