"""Check everything that a recipe needs: `drp doctor`. No check costs money, and none shows a secret."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from drp.config import Recipe, settings
from drp.core import VERSION, BadInputError, DrpError
from drp.jobs import GPU, PACKAGES, Environment, HealthCheck, python_of, read_checks, run_jobs
from drp.lake import Lake, open_lake
from drp.ledger import open_ledger
from drp.registry import open_registry
from drp.runtime.hashes import revision_hash
from drp.runtime.preflight import training_checks
from drp.runtime.student_models import current_student
from drp.student.engines import environment_of, student_of
from drp.teacher.transport import api_key, list_models

_PROBE = "_doctor/probe"


def doctor(recipe: Recipe) -> Iterator[HealthCheck]:
    """Yield the checks, in the order in which a night and a training would fail.

    Args:
        recipe: a recipe, as it was loaded.
    """
    yield HealthCheck("orchestrator environment", "ok", f"drp {VERSION}, Python {sys.version.split()[0]}")
    engine = _engine_environment(recipe)
    trains = recipe.evaluation is not None
    serves = trains and recipe.server is not None and not recipe.server.serve  # its checkpoints
    needed: dict[Environment, bool] = {
        "training": trains or engine == "training",
        "inference": engine == "inference" or serves,
    }
    gpus: dict[Environment, list[HealthCheck]] = {"training": [], "inference": []}
    for environment, is_needed in needed.items():
        for check in _environment(environment, is_needed):
            if check.name == GPU:
                gpus[environment].append(check)
            else:
                yield check
    lake = None
    try:
        lake = open_lake()
        yield _lake(lake)
    except DrpError as error:
        yield _failed("lake", error)
    yield _asked("ledger", _ledger)
    yield _asked("registry", _registry)
    yield from _teacher(recipe)
    yield from _server(recipe)
    if trains and lake is not None:
        try:
            recipe = current_student(lake, recipe)
            yield from training_checks(recipe, lake.published(), revision_hash(recipe))
        except DrpError as error:
            yield _failed("training", error)
    elif not trains:
        yield HealthCheck(
            "training", "not checked", "the recipe trains nothing: it has no section evaluation", "", False
        )
    yield from _gpus(recipe, gpus["inference" if engine == "inference" else "training"])


def _failed(name: str, error: DrpError, *, is_needed: bool = True) -> HealthCheck:
    return HealthCheck(name, "failed", error.problem, error.next_command, is_needed)


def _asked(name: str, seen: Callable[[], str]) -> HealthCheck:
    try:
        return HealthCheck(name, "ok", seen())
    except DrpError as error:
        return _failed(name, error)


def _engine_environment(recipe: Recipe) -> Environment | None:
    """The environment that samples the student; None if no engine can."""
    try:
        return environment_of(student_of(recipe))
    except BadInputError:
        return None


def _environment(environment: Environment, is_needed: bool) -> Iterator[HealthCheck]:
    """Check the packages of an environment, and the GPUs that it sees."""
    name = f"{environment} environment"
    try:
        python = python_of(environment)
        settings().scratch_root.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=settings().scratch_root, prefix="doctor-") as folder:
            out = Path(folder, "checks.json")
            document = {"environment": name, "packages": PACKAGES[environment], "out": str(out)}
            run_jobs(environment, "drp.jobs.probe_environment", document)
            packages, *gpus = read_checks(out)
    except DrpError as error:
        yield _failed(name, error, is_needed=is_needed)
        return
    mend = "" if packages.outcome == "ok" else f"make .venv-{environment}/ready in a checkout"
    yield HealthCheck(name, packages.outcome, f"{packages.seen} ({python})", mend, is_needed)
    yield from gpus


def _lake(lake: Lake) -> HealthCheck:
    """Check that the lake can be read and written."""
    lake.store.put(_PROBE, b"written by drp doctor")
    lake.store.delete(_PROBE)
    versions = lake.corpus.numbers()
    return HealthCheck(
        "lake", "ok", f"{lake.store.root} can be written; it has {len(versions)} corpus versions"
    )


def _ledger() -> str:
    with open_ledger(settings().resolved_database_url) as ledger:
        totals = ledger.totals()
        return f"{ledger.address}; requests of {len({total.run_id for total in totals})} runs"


def _registry() -> str:
    with open_registry(settings().resolved_database_url) as registry:
        return f"{len(registry.moves())} moves of aliases"


def _teacher(recipe: Recipe) -> Iterator[HealthCheck]:
    """Check the teacher's key and address with its list of models, which is free, and the budget."""
    profile, name = recipe.profile, recipe.teacher
    if not profile.is_remote:
        yield HealthCheck("teacher", "ok", f"{name} computes on this machine and is free")
        return
    try:
        key = api_key(name, profile.api_key_env, profile.base_url)
    except DrpError as error:
        yield _failed("teacher", error)
    else:
        yield _models("teacher", name, profile.base_url, key, profile.model)
    budget, prices = settings().budget_usd, profile.prices
    if prices is not None and not any((prices.input, prices.cached_input, prices.output)):
        yield HealthCheck("budget", "ok", f"{name} costs nothing")
    elif budget:
        yield HealthCheck("budget", "ok", f"DRP_BUDGET_USD is {budget}")
    else:
        seen, mend = "DRP_BUDGET_USD is 0: nothing can be bought", "export DRP_BUDGET_USD=... for one night"
        yield HealthCheck("budget", "failed", seen, mend)


def _server(recipe: Recipe) -> Iterator[HealthCheck]:
    """Check the server that runs the student, if the recipe has one."""
    if (server := recipe.server) is not None:
        key = os.environ.get(server.api_key_env or "") or "none"
        yield _models("student server", recipe.student, server.base_url, key, server.model)


def _models(check: str, name: str, base_url: str, key: str, model: str) -> HealthCheck:
    """Check with a free call that a provider takes the key and has the model."""
    answer = list_models(base_url, key)
    if answer.fault:
        return HealthCheck(
            check, "failed", f"{name}: {base_url} {answer.fault}", "check its base_url and its key"
        )
    if (models := answer.models) is None:
        return HealthCheck(
            check, "not checked", f"{name}: {base_url} has no list of models to try the key with"
        )
    if any(listed == model or listed.endswith(f"/{model}") for listed in models):
        return HealthCheck(check, "ok", f"{name}: {base_url} takes the key and lists {model}")
    seen = f"{name}: {base_url} answers, but {model} is not among the {len(models)} models that it lists"
    return HealthCheck(check, "not checked", seen, "check the name of the model")


def _gpus(recipe: Recipe, gpus: Sequence[HealthCheck]) -> Iterator[HealthCheck]:
    yield from gpus
    needed = recipe.parallel.tensor if recipe.engine == "vllm" else 1
    if needed > max(len(gpus), 1):
        seen = f"the recipe spreads one model over {needed} GPUs, and the environment sees {len(gpus)}"
        mend = f"set parallel.tensor in the recipe to {max(len(gpus), 1)}"
        yield HealthCheck(GPU, "failed", seen, mend)
    elif not gpus:
        seen = "the environment sees none: the CPU is used"
        yield HealthCheck(GPU, "not checked", seen, is_needed=False)
