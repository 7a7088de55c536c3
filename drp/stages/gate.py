"""Gate: the contract over what would be published. A night that breaks it is quarantined, not published."""

from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from drp.core.errors import TerminalError
from drp.core.ids import content_id
from drp.gates.gx.validate import ContractResult, NightQuarantinedError, check_night
from drp.grading import Grader, self_test
from drp.lake.lake import merged
from drp.query.select import open_bounded
from drp.runtime.context import Night

STAGE = "gate"
DOCS = "data-docs/index.html"
"""The Data Docs, beside the night's report."""


class UnbalancedRunError(TerminalError):
    """What came out of a stage does not add up to what went in: rows were lost or made twice."""


def gate(night: Night) -> None:
    """Check the counts and the contract; a night that passed is not checked again until it grows.

    Raises:
        UnbalancedRunError: the counts do not add up.
        NightQuarantinedError: an expectation failed, or a threshold is outside its band.
    """
    check_counts(night)
    passed = gate_shard(night)
    if night.run.is_done(STAGE, passed) or not any(night.own().values()):
        return
    with night.run.shard(STAGE, passed, night.recipe.revision_hash) as out:
        with Grader(workers=night.workers) as grader:
            self_test(grader)
            contract = _check(night, grader)
        if not contract.success:
            error = NightQuarantinedError(night.run_id, contract)
            night.run.end("quarantined", str(error), fingerprints=night.fingerprints)
            raise error
        out.counts["expectations"] = contract.expectations


def _check(night: Night, grader: Grader) -> ContractResult:
    """The contract over tonight's rows; its Data Docs come to lie beside the night's report."""
    with TemporaryDirectory() as folder, closing(_tonight(night)) as con:
        docs = Path(folder, Path(DOCS).parent)
        for stored in list(night.lake.store.listed(f"{night.reports}/{docs.name}")):
            night.lake.store.delete(stored.key)  # of an earlier check
        contract = check_night(con, night.recipe, docs, grader)
        for file in sorted(path for path in docs.rglob("*") if path.is_file()):
            night.lake.store.put(f"{night.reports}/{file.relative_to(folder)}", file.read_bytes())
    return replace(contract, docs=night.lake.store.uri(f"{night.reports}/{DOCS}"))


def gate_shard(night: Night) -> str:
    """Name of the gate's shard: it says which rows, and which thresholds, were checked."""
    checked = sorted(part.key for done in night.shard_files() for part in done.parts)
    return content_id("gate", checked, night.recipe.gates.model_dump(mode="json"))[:12]


def check_counts(night: Night) -> None:
    """Every row of every stage must be accounted for.

    Raises:
        UnbalancedRunError: naming the first stage that does not add up.
    """
    counts: dict[str, Counter[str]] = {}
    for done in night.shard_files():
        counts.setdefault(done.stage, Counter()).update(done.counts)
    read, cut, pruned = (counts.get(stage, Counter()) for stage in ("ingest", "decompose", "prune"))
    _add_up(night, "ingest", read["rows"], read, ("questions", "rollouts", "known", "dead_letters"))
    _add_up(night, "decompose", cut["rollouts"], cut, ("decomposed", "rejected", "carried"))
    _add_up(night, "prune", cut["decomposed"], pruned, ("accepted", "rejected", "carried"))


def _add_up(night: Night, stage: str, went_in: int, counts: Counter[str], names: tuple[str, ...]) -> None:
    came_out = {name: counts[name] for name in names}
    if went_in != sum(came_out.values()):
        raise UnbalancedRunError(
            f"run {night.run_id}, stage {stage}: {went_in} rows went in, {came_out} came out",
            state="Nothing was published; the run's rows are kept",
            next_command=f"drp sql --run {night.run_id} 'FROM accounting'",
        )


def _tonight(night: Night) -> duckdb.DuckDBPyConnection:
    """This night's rows, and the questions and rollouts of earlier nights that they refer to."""
    earlier = {table: night.visible()[table] for table in ("questions", "rollouts")}
    con = open_bounded(merged(night.own(), earlier))
    con.execute("ALTER VIEW rollouts RENAME TO all_rollouts")
    con.execute("CREATE VIEW rollouts AS FROM all_rollouts SEMI JOIN revisions USING (rollout_id)")
    con.execute("ALTER VIEW questions RENAME TO all_questions")
    con.execute("CREATE VIEW questions AS FROM all_questions SEMI JOIN rollouts USING (question_id)")
    return con
