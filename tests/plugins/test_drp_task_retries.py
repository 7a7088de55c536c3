"""What Airflow does with each kind of error."""

import json
import sys

import pytest

from tests.helpers.airflow_home import environment, run

SCRIPT = """
import json, sys
sys.path.insert(0, sys.argv[1])
from drp_task_retries import RETRY_POLICY
from drp.core.errors import BadInputError, TransientError

words = {"state": "s", "next_command": "n"}
errors = [BadInputError("p", **words), TransientError("p", **words), ConnectionResetError(), KeyError("bug")]
print(json.dumps([RETRY_POLICY.evaluate(error, 1, 3).action.value for error in errors]))
"""


@pytest.fixture(scope="module")
def actions(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    env = environment(tmp_path_factory.mktemp("failures"))
    done = run([sys.executable, "-c", SCRIPT, env["AIRFLOW__CORE__PLUGINS_FOLDER"]], env)
    assert done.returncode == 0, done.stderr
    decided: list[str] = json.loads(done.stdout.splitlines()[-1])
    return decided


def test_only_what_may_pass_is_tried_again(actions: list[str]) -> None:
    assert actions == ["fail", "retry", "retry", "fail"]
