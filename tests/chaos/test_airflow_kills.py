"""`kill -9` of Airflow's scheduler, triggerer and workers while a teacher's batches are out, then on.

What a person would do is done: `make up` where Airflow has come down, a clear where a task has failed or
waits for its retry. The corpus is the undisturbed one, row for row; nothing is paid twice, nothing that was
paid is lost. So also when a person clears, or fails, the task that waits for its batch.

DRP_KILLS_SERVICES says how often (default 2), DRP_KILLS_SEED draws the same moments:

    DRP_KILLS_SERVICES=20 pytest tests/chaos/test_airflow_kills.py
"""

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import psutil
import pytest
import yaml

from drp.config.recipe import RECIPES
from drp.ledger.ledger import open_ledger
from tests.chaos.kills import Folder
from tests.fake_provider import Provider, provider
from tests.fake_provider.teachers import as_teacher
from tests.helpers.airflow_home import environment, run
from tests.helpers.airflow_services import Airflow, airflow
from tests.scripted_student.server import scripted

pytestmark = pytest.mark.chaos


STAND_IN = {"batch_discount": "0.5", "batches": {"validating_s": 3, "row_s": 0.05, "finalizing_s": 2}}
QUICK = {  # a worker that was killed is missed in seconds, as a test has no minutes
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "15",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "15",
}
KILLS_A_NIGHT = 5
WAITING = ("shard.decompose", "deferred")
MOMENTS = (  # a task and its state, after which a kill falls within two seconds
    *(("plan", "running"), ("shard.rollout", "running"), ("shard.decompose", "running"), WAITING, WAITING),
    *(("shard.prune", "running"), ("gate", "running"), ("publish", "running")),
)


def _recipe(folder: Path, night: int) -> tuple[str, str]:
    """A small recipe with questions of its own, and the date of its night."""
    recipe = yaml.safe_load((RECIPES / "drp.yaml").read_text(encoding="utf-8"))
    recipe |= scripted(24, 30 + night)
    recipe["gates"]["night"]["min_rollouts"] = 24
    path = folder / f"night{night}.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return str(path), f"2026-11-{night + 1:02}"


@pytest.fixture(scope="module")
def server() -> Iterator[Provider]:
    """The provider of all."""
    with provider(**STAND_IN) as server:
        yield server


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, server: Provider) -> Iterator[Airflow]:
    """Airflow with the provider as teacher, in batches."""
    folder = tmp_path_factory.mktemp("airflow")
    ledger = f"sqlite:///{folder}/ledger.db"
    with airflow(folder, DRP_DATABASE_URL=ledger, **as_teacher(server, folder, "batch"), **QUICK) as services:
        yield services


def _victims(services: Airflow) -> dict[str, list[psutil.Process]]:
    """Processes of each kind; a worker with the task that it runs."""
    keeper = psutil.Process(services.keeper)
    found: dict[str, list[psutil.Process]] = {}
    for process in keeper.children():
        name = next((n for n in ("scheduler", "triggerer") if n in " ".join(process.cmdline())), "")
        if name:
            found[name] = [process]
        if name == "scheduler":
            working = [worker for worker in process.children() if worker.children()]
            found["worker"] = [
                each for worker in working for each in (worker, *worker.children(recursive=True))
            ]
    return found


def _kill(services: Airflow, rng: random.Random) -> str:
    """Kill one of what lives, by chance; its kind."""
    victims = {kind: processes for kind, processes in _victims(services).items() if processes}
    kind = rng.choice(sorted(victims))
    for process in victims[kind]:
        with suppress(psutil.NoSuchProcess):  # it was done
            process.kill()
    return kind


def _mend(services: Airflow, run_id: str, mended: Counter[str]) -> str:
    """What a person does about what a kill left; the state of the night."""
    for task in services.tasks(run_id):
        if task["state"] in {"failed", "up_for_retry"}:
            services.clear(run_id, task["task_id"])
            mended[f"cleared: {task['state']}"] += 1
            break
    return services.state(run_id)


def _reached(services: Airflow, run_id: str, moment: tuple[str, str]) -> bool:
    """Whether a task is in the state, or past it."""
    states = {task["task_id"]: task["state"] for task in services.tasks(run_id)}
    return states.get(moment[0]) in {moment[1], "success"}


def _trigger(services: Airflow, recipe: str, day: str) -> str:
    """Start a night, on an Airflow that a kill may be bringing down; its run id."""

    def start() -> str:
        if not psutil.pid_exists(services.keeper):
            services.up()
        try:
            return services.trigger(recipe=recipe, run_date=day)
        except OSError:  # it is on the way down
            return ""

    return str(services.wait(start, "an Airflow that starts a night"))


def _night(
    services: Airflow, run_id: str, moments: list[tuple[str, str]], rng: random.Random
) -> tuple[Counter[str], Counter[str]]:
    """See a night through; the kills by kind and the mending."""
    kills, mended = Counter[str](), Counter[str]()
    limit = time.monotonic() + 1800
    while True:
        assert time.monotonic() < limit, services.tasks(run_id)
        if not psutil.pid_exists(services.keeper):
            services.up()
            mended["make up"] += 1
        try:
            if moments and _reached(services, run_id, moments[0]):
                time.sleep(2 * rng.random())
                kills[_kill(services, rng)] += 1
                moments.pop(0)
                time.sleep(2)
            if _mend(services, run_id, mended) == "success":
                return kills, mended
        except (OSError, psutil.Error):  # it is on the way down
            pass
        time.sleep(0.3)


def test_killed_services_lose_nothing(tmp_path, capsys, server, services):
    seed = int(os.environ.get("DRP_KILLS_SEED") or random.SystemRandom().randrange(2**32))
    print(f"DRP_KILLS_SEED={seed}")  # captured: shown if the test fails
    rng = random.Random(seed)  # noqa: S311
    left = wanted = int(os.environ.get("DRP_KILLS_SERVICES", "2"))
    kills, mended, nights = Counter[str](), Counter[str](), []
    while left > 0:
        recipe, day = _recipe(tmp_path, len(nights))
        some = sorted(rng.sample(range(len(MOMENTS)), min(left, KILLS_A_NIGHT)))
        run_id = _trigger(services, recipe, day)
        killed, did = _night(services, run_id, [MOMENTS[moment] for moment in some], rng)
        kills, mended, left = kills + killed, mended + did, left - killed.total()
        nights.append((recipe, day))

    totals = server.totals()
    with open_ledger(services.env["DRP_DATABASE_URL"]) as ledger:
        books = ledger.totals()
    nano = int(sum((total.known for total in books), Decimal(0)).scaleb(9))
    landed, lost = sum(total.landed for total in books), sum(total.lost.attempts for total in books)
    agrees = run([sys.executable, "-m", "drp.cli.main", "ledger", "reconcile"], services.env)

    env = environment(tmp_path, DRP_DATABASE_URL=f"sqlite:///{tmp_path}/calm.db")
    env |= as_teacher(server, tmp_path, "batch")
    for recipe, day in nights:
        calm = run(
            [sys.executable, "-m", "drp.cli.main", "nightly", "--recipe", recipe, "--run-date", day], env
        )
        assert calm.returncode == 0, calm.stderr
    ours, theirs = Folder(services.folder / "lake").rows(), Folder(tmp_path / "lake").rows()

    with capsys.disabled():
        counts = (f"{number} {name}" for name, number in (kills + mended).most_common())
        print(
            f"\nDRP_KILLS_SEED={seed}\n{wanted} kills in {len(nights)} nights: {', '.join(counts)}\n"
            f"  books: {totals['billed']} answers billed, {landed} landed, {totals['paid_twice']} bought "
            f"twice, {lost} lost, {totals['nano_usd'] - nano} nano-dollars apart\n"
            f"  rows: {sum(map(len, ours.values())):,} beside the undisturbed",
            file=sys.stderr,
        )
    assert (totals["billed"], totals["paid_twice"], totals["nano_usd"], lost) == (landed, 0, nano, 0)
    assert agrees.returncode == 0, agrees.stdout + agrees.stderr
    assert ours == theirs


@pytest.mark.parametrize("way", ["cleared", "failed"])
def test_a_task_that_waits_for_its_batch_may_be_cleared_or_failed(tmp_path, server, services, way):
    server.set(batches={"hold": True})
    before = server.totals()
    recipe, day = _recipe(tmp_path, {"cleared": 20, "failed": 21}[way])
    run_id = _trigger(services, recipe, day)

    def waits() -> dict | None:
        tasks = {task["task_id"]: task for task in services.tasks(run_id)}
        return (
            tasks["shard.decompose"] if tasks.get("shard.decompose", {}).get("state") == "deferred" else None
        )

    task = services.wait(waits, "a batch is out")
    time.sleep(5)  # the triggerer has it
    if way == "failed":
        services.fail(run_id, task)
        assert services.ended(run_id) == "failed"
    server.set(batches={"hold": False})
    services.clear(run_id, "shard.decompose")
    assert services.ended(run_id) == "success"
    after = server.totals()
    assert after["paid_twice"] == before["paid_twice"]
    assert after["billed"] > before["billed"]
    agrees = run([sys.executable, "-m", "drp.cli.main", "ledger", "reconcile"], services.env)
    assert agrees.returncode == 0, agrees.stdout + agrees.stderr
