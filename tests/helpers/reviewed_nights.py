"""Nights with revisions that people can read, made of row factories."""

from drp.lake.lake import Lake
from drp.lake.runs import Run
from tests.helpers.lake_runs import publish, write
from tests.helpers.row_factories import (
    RESPONSE,
    THINKING,
    Row,
    make_decision,
    make_decomposition,
    make_question,
    make_rejection,
    make_revision,
    make_rollout,
    make_step,
)

NIGHT = "2026-11-20-drp"


def night_tables(
    count: int = 1, *, prefix: str = "", rejected: int = 0, **rollout: object
) -> dict[str, list[Row]]:
    """Rows of `count` accepted revisions v0, v1, …, each with its rollout, steps and decisions."""
    names = [f"{prefix}{number}" for number in range(count)]
    cut = THINKING.index("Wait")
    spans = ((0, cut), (cut, len(THINKING)))
    tables: dict[str, list[Row]] = {
        "questions": [make_question()],
        "rollouts": [make_rollout(rollout_id=f"r{name}", **rollout) for name in names],
        "decompositions": [
            make_decomposition(decomposition_id=f"d{name}", rollout_id=f"r{name}") for name in names
        ],
        "steps": [
            make_step(index, decomposition_id=f"d{name}", char_start=start, char_end=end)
            for name in names
            for index, (start, end) in enumerate(spans)
        ],
        "revisions": [
            make_revision(revision_id=f"v{name}", rollout_id=f"r{name}", decomposition_id=f"d{name}")
            for name in names
        ],
        "decisions": [make_decision(index, revision_id=f"v{name}") for name in names for index in (0, 1)],
    }
    for number in range(rejected):
        name = f"{prefix}no{number}"
        tables["rollouts"].append(make_rollout(rollout_id=f"r{name}", response=RESPONSE))
        tables["revisions"].append(
            make_rejection("rollout_wrong", revision_id=f"v{name}", rollout_id=f"r{name}")
        )
    return tables


def published_night(lake: Lake, count: int = 1, run_id: str = NIGHT, **options: object) -> Run:
    """Publish a night with `count` accepted revisions."""
    publish(lake, run_id, night_tables(count, **options))  # type: ignore[arg-type]
    return lake.run(run_id)


def quarantined_night(lake: Lake, count: int = 1, run_id: str = NIGHT) -> Run:
    """Write a night that waits for a person."""
    run = write(lake, run_id, night_tables(count))
    run.finish("quarantined", "why", fingerprints=["f"])
    return run
