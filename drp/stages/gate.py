"""Gate: check what would be published. A night that breaks the contract is quarantined, not published."""

from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from drp.core import TerminalError
from drp.core.stage_names import DECOMPOSE, GATE, INGEST, PRUNE
from drp.gates.great_expectations import ContractResult, NightQuarantinedError, check_night
from drp.grading import Grader, self_test
from drp.lake import merge_addresses
from drp.query import open_bounded
from drp.runtime import RunContext
from drp.withdrawals import RunWithdrawals

DOCS = "data-docs/index.html"
"""Path of the Data Docs, next to the night's report."""


class UnbalancedRunError(TerminalError):
    """The rows that left a stage do not add up to those that entered it: some were lost or written twice."""


def gate(ctx: RunContext) -> None:
    """Check the counts and the contract. A night that passed is checked again only after it has grown.

    Raises:
        UnbalancedRunError: the counts do not add up.
        NightQuarantinedError: an expectation failed, or a threshold is outside its band.
    """
    check_counts(ctx)
    RunWithdrawals(ctx.lake, ctx.run).settle()
    passed = ctx.gate_shard
    if ctx.run.is_done(GATE, passed) or not any(ctx.own_parts().values()):
        return
    with ctx.run.shard(GATE, passed, ctx.revision_hash) as out:
        with Grader(workers=ctx.workers) as grader:
            self_test(grader)
            contract = _check(ctx, grader)
        if not contract.success:
            error = NightQuarantinedError(ctx.run_id, contract)
            ctx.run.finish("quarantined", str(error), fingerprints=ctx.fingerprints)
            raise error
        out.counts["expectations"] = contract.expectations


def _check(ctx: RunContext, grader: Grader) -> ContractResult:
    """Check the contract on this night's rows; the Data Docs are stored next to its report."""
    with TemporaryDirectory() as folder, closing(_tonight(ctx)) as con:
        docs = Path(folder, Path(DOCS).parent)
        for stored in list(ctx.lake.store.listed(f"{ctx.report_folder}/{docs.name}")):
            ctx.lake.store.delete(stored.key)  # left by an earlier check
        contract = check_night(con, ctx.recipe, docs, grader)
        for file in sorted(path for path in docs.rglob("*") if path.is_file()):
            ctx.lake.store.put(f"{ctx.report_folder}/{file.relative_to(folder)}", file.read_bytes())
    return replace(contract, docs=ctx.lake.store.uri(f"{ctx.report_folder}/{DOCS}"))


def check_counts(ctx: RunContext) -> None:
    """Check that every row of every stage is accounted for.

    Raises:
        UnbalancedRunError: naming the first stage that does not add up.
    """
    counts: dict[str, Counter[str]] = {}
    for done in ctx.shard_files():
        counts.setdefault(done.stage, Counter()).update(done.counts)
    ingested, decomposed, pruned = (counts.get(stage, Counter()) for stage in (INGEST, DECOMPOSE, PRUNE))
    _add_up(ctx, INGEST, ingested["rows"], ingested, ("questions", "rollouts", "known", "dead_letters"))
    _add_up(ctx, DECOMPOSE, decomposed["rollouts"], decomposed, ("decomposed", "rejected", "carried"))
    _add_up(ctx, PRUNE, decomposed["decomposed"], pruned, ("accepted", "rejected", "carried"))


def _add_up(ctx: RunContext, stage: str, rows_in: int, counts: Counter[str], names: tuple[str, ...]) -> None:
    rows_out = {name: counts[name] for name in names}
    if rows_in != sum(rows_out.values()):
        raise UnbalancedRunError(
            f"run {ctx.run_id}, stage {stage}: {rows_in} rows went in, {rows_out} came out",
            state="Nothing was published; the run's rows are kept",
            next_command=f"drp sql --run {ctx.run_id} 'FROM accounting'",
        )


def _tonight(ctx: RunContext) -> duckdb.DuckDBPyConnection:
    """A session on this night's rows and the earlier questions and rollouts that they refer to."""
    earlier = {table: ctx.visible_parts()[table] for table in ("questions", "rollouts")}
    con = open_bounded(merge_addresses(ctx.own_parts(), earlier))
    con.execute("ALTER VIEW rollouts RENAME TO all_rollouts")
    con.execute("CREATE VIEW rollouts AS FROM all_rollouts SEMI JOIN revisions USING (rollout_id)")
    con.execute("ALTER VIEW questions RENAME TO all_questions")
    con.execute("CREATE VIEW questions AS FROM all_questions SEMI JOIN rollouts USING (question_id)")
    return con
