"""The preflight: check that a recipe's student can be trained, before a night spends anything on it.

What needs torch is checked by a job in the training environment (drp/training/preflight.py). A night is
refused only for what a training would be refused for; a machine without the training environment may still
make the corpus, and says that nothing was checked.
"""

import logging
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from drp.config import Recipe, settings
from drp.core import TerminalError
from drp.curation import Example
from drp.jobs import EnvironmentMissingError, HealthCheck, read_checks, run_jobs
from drp.lake import Addresses, open_lake
from drp.query import select
from drp.runtime.context import reopen
from drp.runtime.training_plan import training_job
from drp.student.engines import mend_of_missing_model, student_of
from drp.teacher.transport import api_key
from drp.training import write_job

_log = logging.getLogger(__name__)

EXAMPLES = 256
"""Traces whose length is checked, at most."""
_GB = 10**9
_STATE_BYTES = 12
"""Bytes per trained weight of a saved state: the weight and two moments, in float32."""
_OF_STUDENT = """
SELECT count(*) AS n FROM rollouts JOIN wanted ON rollout_id = id WHERE student = $student
"""
_EXAMPLES = """
SELECT rollout_id, r.question_id, question, coalesce(v.thinking, r.thinking) AS thinking,
       coalesce(v.response, r.response) AS response, v.thinking IS NOT NULL AS is_revised
FROM rollouts r JOIN questions USING (question_id)
LEFT JOIN (FROM revisions WHERE recipe_hash = $recipe_hash AND status = 'accepted') v USING (rollout_id)
WHERE student = $student AND r.verdict = 'equal' AND finish_reason <> 'length'
  AND trim(coalesce(v.thinking, r.thinking)) <> '' AND trim(coalesce(v.response, r.response)) <> ''
ORDER BY is_revised DESC, rollout_id
"""


class PreflightFailedError(TerminalError):
    """The recipe trains, and its student cannot be trained."""

    def __init__(self, recipe: Recipe, failed: list[HealthCheck], option: str) -> None:
        super().__init__(
            f"recipe {recipe.name} trains {recipe.student}, which is not possible:"
            f" {'; '.join(f'{check.name}: {check.seen}' for check in failed)}",
            state="Nothing was sampled and nothing was sent to the teacher",
            next_command=f"{failed[0].mend}; drp doctor --recipe {option} shows all checks. To make the"
            " corpus without training, remove evaluation and promotion from the recipe",
        )


def preflight(run_id: str, recipe_option: str) -> None:
    """Check the student of a recipe that trains, if the night costs something and works for that student.

    Args:
        run_id: a night with a plan, in the lake at DRP_LAKE.
        recipe_option: the value of `--recipe`, for the error.

    Raises:
        PreflightFailedError: a training would be refused.
        TeacherRefusedError: the teacher's API key is not set.
    """
    ctx = reopen(open_lake(), run_id)
    recipe = ctx.recipe
    if recipe.profile.is_remote:
        api_key(recipe.teacher, recipe.profile.api_key_env, recipe.profile.base_url)
    planned = list(ctx.unfinished().values())
    samples = any(plan.questions for plan in planned)
    if recipe.evaluation is None or not (samples or recipe.profile.is_remote):
        return
    ids = [rollout for plan in planned for rollout in plan.rollouts]
    of_student = next(select(ctx.visible_parts(), _OF_STUDENT, {"student": recipe.student}, wanted=ids))["n"]
    if not samples and not of_student:
        if ids:
            _log.warning(
                "none of the traces is of %s, the recipe's student: a training will not use their revisions,"
                " unless student in the recipe is the name in the rows, and model the folder %s",
                recipe.student,
                recipe.source,
            )
        return
    checks = list(training_checks(recipe, ctx.visible_parts(), ctx.revision_hash))
    for check in checks:
        _log.info("%s, %s: %s: %s", ctx.run_id, check.name, check.outcome, check.seen)
    if failed := [check for check in checks if check.is_fatal]:
        raise PreflightFailedError(recipe, failed, recipe_option)


def training_checks(recipe: Recipe, addresses: Addresses, revision_hash: str) -> Iterator[HealthCheck]:
    """Check what a training of the recipe's student needs.

    Args:
        recipe: the recipe.
        addresses: the lake's tables, for traces whose length is checked.
        revision_hash: hash of the revisions that are trained on.
    """
    student = student_of(recipe)
    if not student.model:
        yield HealthCheck(
            "student",
            "failed",
            f"the model {student.source!r} is not on this machine",
            mend_of_missing_model(recipe),
        )
        return
    yield HealthCheck("student", "ok", f"{student.name}, in {student.model}")
    yield check_disk(recipe, Path(student.model))
    rows = select(addresses, _EXAMPLES, {"recipe_hash": revision_hash, "student": recipe.student})
    examples = (
        Example(
            f"{'revised' if row['is_revised'] else 'trace'} {row['rollout_id']}",
            row["question_id"],
            student.prompt.user_message(row["question"]),
            row["thinking"],
            row["response"],
        )
        for row in islice(rows, EXAMPLES)
    )
    settings().scratch_root.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=settings().scratch_root, prefix="preflight-") as folder:
        job, out = Path(folder, "job"), Path(folder, "checks.json")
        write_job(job, training_job(recipe), examples)
        try:
            run_jobs(
                "training",
                "drp.training.preflight",
                {"stage": "preflight", "job": str(job), "out": str(out)},
            )
        except EnvironmentMissingError as error:
            yield HealthCheck("training", "not checked", error.problem, error.next_command)
            return
        yield from read_checks(out)


def check_disk(recipe: Recipe, model: Path) -> HealthCheck:
    """Check that the checkpoints fit: one model in the scratch folder, and one for each arm in the lake.

    A training of all weights saves a state too, of which two exist for a moment.
    """
    weights = sum(
        file.stat().st_size for pattern in ("*.safetensors", "*.bin") for file in model.glob(pattern)
    )
    scratch = weights
    if recipe.training.method == "full":
        scratch += 2 * _STATE_BYTES * weights // 2  # stored in 16 bits
    needed: dict[int, tuple[Path, int]] = {}
    places = [(settings().scratch_root, scratch)]
    if "://" not in settings().lake_root:
        places.append((Path(settings().lake_root), weights * len(recipe.arms)))
    for place, size in places:
        existing = next(folder for folder in (place, *place.parents) if folder.exists())
        device = existing.stat().st_dev
        needed[device] = (existing, needed.get(device, (existing, 0))[1] + size)
    seen = [(folder, size, shutil.disk_usage(folder).free) for folder, size in needed.values()]
    text = "; ".join(
        f"{folder} has {free / _GB:,.1f} GB, and checkpoints take {size / _GB:,.1f} GB"
        for folder, size, free in seen
    )
    if any(size > free for _, size, free in seen):
        return HealthCheck(
            "disk", "failed", text, "make room there, or set DRP_SCRATCH and DRP_LAKE to a larger disk"
        )
    return HealthCheck("disk", "ok", text)
