"""The report of every kind of run is served in Airflow, and nothing else."""

import json
import sys
from pathlib import Path

import pytest

from tests.helpers.airflow_home import environment, run

# The route as Airflow serves it, without login and database: what the task returned comes from a dictionary.
SCRIPT = """
import json, sys
from types import SimpleNamespace
from urllib.parse import quote
sys.path.insert(0, sys.argv[1])
import drp_reports
from airflow.api_fastapi.common.db.common import _get_session
from drp.lake import open_lake
from fastapi.testclient import TestClient

store = open_lake().store
for name in ("2026-11-21-drp", "2026-11-21-train-drp", "2026-11-21-train", "2026-11-21-train-import"):
    store.put(f"_reports/{name}/report.html", name.encode())
store.put("_manifests/1.json", b"secret")

returned = json.loads(sys.argv[2])
drp_reports.XComModel = SimpleNamespace(
    get_many=lambda run_id, **_: run_id, deserialize_value=lambda row: row
)
app = drp_reports.app
app.dependency_overrides[drp_reports._may_see.dependency] = lambda: None
app.dependency_overrides[_get_session] = lambda: SimpleNamespace(
    scalars=lambda run_id: SimpleNamespace(first=lambda: returned.get(run_id))
)
client = TestClient(app)
answers = {}
for run_id, file in json.loads(sys.argv[3]):
    answer = client.get(f"/dag/{run_id}/{file}")
    answers[f"{run_id} {file}"] = [answer.status_code, answer.text if answer.status_code == 200 else ""]
print(json.dumps(answers))
"""

RETURNED = {
    "night": "/lake/_reports/2026-11-21-drp/report.html",
    "training": "s3://bucket/lake/_reports/2026-11-21-train-drp/report.html",
    "night-of-a-recipe-named-train": "/lake/_reports/2026-11-21-train/report.html",
    "training-of-a-recipe-named-import": "/lake/_reports/2026-11-21-train-import/report.html",
    "forged": "/lake/_reports/../_manifests/report.html",
}
ASKED = [
    *((run_id, "report.html") for run_id in RETURNED),
    ("nothing-returned", "report.html"),
    ("night", "%2e%2e/%2e%2e/_manifests/1.json"),
    ("night", "..%2f..%2f_manifests%2f1.json"),
    ("forged", "1.json"),
]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[object]]:
    folder: Path = tmp_path_factory.mktemp("reports")
    env = environment(folder) | {"DRP_LAKE": str(folder / "lake")}
    plugins = env["AIRFLOW__CORE__PLUGINS_FOLDER"]
    done = run([sys.executable, "-c", SCRIPT, plugins, json.dumps(RETURNED), json.dumps(ASKED)], env)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[object]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(
    ("run_id", "page"),
    [
        ("night", "2026-11-21-drp"),
        ("training", "2026-11-21-train-drp"),
        ("night-of-a-recipe-named-train", "2026-11-21-train"),
        ("training-of-a-recipe-named-import", "2026-11-21-train-import"),
    ],
)
def test_every_kind_of_run_has_its_page(answers: dict[str, list[object]], run_id: str, page: str) -> None:
    assert answers[f"{run_id} report.html"] == [200, page]


def test_nothing_else_is_served(answers: dict[str, list[object]]) -> None:
    others = [
        key for key in answers if key.startswith(("nothing", "forged")) or not key.endswith("report.html")
    ]
    assert len(others) == 5
    assert {key: answers[key] for key in others} == {key: [404, ""] for key in others}
