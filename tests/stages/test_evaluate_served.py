"""With `engine: server` the student is evaluated where it is served, and checkpoints on servers of theirs."""

import hashlib
import sys
from pathlib import Path

import pytest

from drp.config import Server
from drp.config.settings import settings
from drp.query.session import select
from drp.registry.records import CheckpointFile
from drp.registry.registry import open_registry
from drp.runtime.context import open_training
from drp.runtime.training_plan import entry_of
from drp.stages.evaluate import evaluate, sampling_task, shards
from drp.stages.prepare import prepare
from tests.helpers.checkpoints import make_checkpoint
from tests.helpers.nights import DAY
from tests.stages import test_fails_closed
from tests.stages.test_fails_closed import write_recipe
from tests.student.test_checkpoint_server import SERVER

corpus, lake, student = test_fails_closed.corpus, test_fails_closed.lake, test_fails_closed.student
pytestmark = test_fails_closed.pytestmark


@pytest.fixture
def served(tmp_path: Path) -> dict[str, object]:
    """The section `server` of a recipe whose checkpoints are served by a program that says one sentence."""
    (tmp_path / "server.py").write_text(SERVER)
    words = [sys.executable, str(tmp_path / "server.py"), "{model}", "{name}", "{port}"]
    return Server(base_url="http://127.0.0.1:9/v1", model="base", serve=tuple(words)).model_dump(mode="json")


def test_the_base_is_asked_at_its_server_and_the_champion_at_its_own(lake, student, tmp_path, served):
    run = open_training(write_recipe(tmp_path, student, engine="server", server=served), DAY)
    data = {file.name: file.read_bytes() for file in student.iterdir() if file.is_file()}
    data["says"] = b"One.\n</think>\n\nIt is \\boxed{2}."
    with open_registry(settings().resolved_database_url) as registry:
        made = make_checkpoint(
            1,
            student=run.recipe.student,
            adapter_key=None,
            files=tuple(
                CheckpointFile(f"merged/{name}", len(content), hashlib.sha256(content).hexdigest())
                for name, content in data.items()
            ),
        )
        for name, content in data.items():
            lake.store.put(f"_checkpoints/{made.checkpoint_id}/merged/{name}", content)
        registry.register(made)
        registry.promote(made.checkpoint_id, "champion", "a test")
    names = prepare(run)
    base, champion = names[0], names[-1]
    assert entry_of(run, champion).arm == "champion"
    (asked,) = (sampling_task(run, shard).student for shard in shards(run, [base]))
    assert (asked.engine, asked.server.base_url, asked.is_checkpoint) == ("server", served["base_url"], False)

    (shard,) = shards(run, [champion])
    assert sampling_task(run, shard).student.is_checkpoint
    evaluate(run, shard)
    rows = list(select(run.visible_parts(), "SELECT engine, n_samples FROM scores"))
    assert {row["engine"] for row in rows} == {"server"}
    said = {row["response"] for row in select(run.visible_parts(), "SELECT response FROM score_samples")}
    assert said == {"It is \\boxed{2}."}
