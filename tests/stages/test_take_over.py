"""A night that was killed and not done again: the next one goes on with what it had done."""

import pytest

from drp.lake.runs import TakenOverError
from drp.pipeline.nightly import nightly
from drp.query.session import select
from drp.runtime.context import RunContext, open_night
from drp.stages.decompose import decompose
from drp.stages.ingest import ingest
from drp.stages.plan import plan
from drp.stages.publish import publish
from drp.stages.rollout import rollout
from tests.helpers.nights import rows_of

NEXT_DAY = "2026-11-21"


@pytest.fixture
def killed(night: RunContext) -> RunContext:
    """A night that ended while its shard was being pruned."""
    ingest(night, None)
    (shard,) = plan(night)
    rollout(night, shard)
    decompose(night, shard)
    return night


def test_the_next_night_does_nothing_again_and_publishes_all(killed, recipe_file):
    tonight = open_night(recipe_file(), NEXT_DAY)
    before = {part.key for done in killed.run.shard_files() for part in done.parts}

    nightly(tonight)

    published = {p.part.key for p in tonight.lake.corpus.current().parts}
    assert before <= published
    assert [done.shard for done in tonight.run.shard_files(stage="rollout")] == [
        done.shard for done in killed.run.shard_files(stage="rollout")
    ]
    assert len(rows_of(tonight.lake, "rollouts")) == len(rows_of(tonight.lake, "revisions")) == 60


def test_the_killed_night_stays_readable_and_can_publish_no_more(killed, recipe_file):
    nightly(open_night(recipe_file(), NEXT_DAY))
    assert next(select(killed.own_parts(), "SELECT count(*) AS n FROM rollouts"))["n"] == 60
    with pytest.raises(TakenOverError, match=f"drp report {NEXT_DAY}-drp"):
        publish(killed)


def test_the_killed_night_may_take_its_work_back_while_the_next_is_open(killed, recipe_file):
    tonight = open_night(recipe_file(), NEXT_DAY)
    ingest(tonight, None)

    nightly(killed)

    assert killed.run.state().state == "published"
    assert tonight.run.state().state == "taken over"
    assert len(rows_of(killed.lake, "revisions")) == 60


def test_a_night_of_another_recipe_is_left_alone(killed, recipe_file, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text((tmp_path / "drp.yaml").read_text().replace("name: drp", "name: other"))
    ingest(open_night(str(other), NEXT_DAY), None)
    assert killed.run.state().state == "open"
