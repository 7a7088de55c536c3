"""The page of a training run and its summary: correct figures, escaped texts, nothing loaded."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from drp.config.evaluation import Promotion
from drp.core.entry_points import plugin_names
from drp.query.session import check_statement, open_session
from drp.report.nightly import page_queries
from drp.report.nightly.read_numbers import fetch_rows
from drp.report.template import points, signed
from drp.report.training import page_queries as training_queries
from drp.report.training.examples import read_pairs
from drp.report.training.page import build_training_report
from drp.report.training.page_data import ARMS, TrainingFacts, in_table_order
from drp.report.training.read_numbers import read_training
from drp.report.training.summary import scoreboard
from tests.cli.test_report import typed
from tests.helpers.report_pages import Page
from tests.helpers.row_factories import write_parts
from tests.helpers.training_runs import COUNTER, RULE, MadeRun, make_run
from tests.report.test_nightly_page import EVIL

ALL_ARMS = (
    *("original", "champion", "unpruned_sft", "random_prune", "truncate_head", "truncate_tail"),
    *("summary_only", "best_of_n", "drp"),
)


@pytest.fixture
def shown(tmp_path: Path) -> Callable[[MadeRun], Page]:
    """A function that builds the page of a run."""
    return lambda run: Page(build_training_report(_open(tmp_path, run), run.facts))


def _open(folder: Path, run: MadeRun) -> duckdb.DuckDBPyConnection:
    return open_session(write_parts(folder, run.tables))


def _printed(con: duckdb.DuckDBPyConnection, facts: TrainingFacts) -> str:
    out = io.StringIO()
    Console(file=out, width=80).print(*scoreboard(con, facts))
    return " ".join(out.getvalue().replace("│", " ").split())


def test_every_curation_has_a_description() -> None:
    assert set(ARMS) == {"base", "original", "champion", *plugin_names("curations")}


def test_the_curation_of_another_package_has_its_place_before_drp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(arms=("best_of_n", "random_prune", "drp"))
    built_in = {arm: words for arm, words in ARMS.items() if arm != "best_of_n"}
    monkeypatch.setattr(f"{in_table_order.__module__}.ARMS", built_in)
    con = _open(tmp_path, run)
    (board,) = read_training(con, run.facts).boards
    assert [score.arm for score in board.scores] == ["base", "random_prune", "best_of_n", "drp"]
    assert in_table_order(["drp", "z", "a", "champion", "base"]) == ["base", "champion", "a", "z", "drp"]
    page = Page(build_training_report(con, run.facts))
    assert "best of n trained on what the curation best_of_n selects" in page.words
    assert "best of n" in _printed(con, run.facts)


def test_the_page_shows_the_run(tmp_path: Path) -> None:
    run = make_run(arms=("random_prune", "drp"), benchmarks={"small": 300, "small_longer": 40})
    con = _open(tmp_path, run)
    page, printed = Page(build_training_report(con, run.facts)), _printed(con, run.facts)
    base, random_prune, drp = read_training(con, run.facts).boards[0].scores
    assert (base.arm, random_prune.arm, drp.arm) == ("base", "random_prune", "drp")
    assert drp.share_of_base == pytest.approx(drp.mean_tokens / base.mean_tokens)
    for text in (
        "2026-11-21-train-drp",
        "recipe drp · corpus version 7",
        "Promoted DRP is shown to be shorter and not less accurate, and was made the champion.",
        "✓ as accurate: Pass@1 +",
        "✓ sufficiently shorter: 0.",
        "300 questions × 1 sample, zero-shot, tokens counted by tokenizer 5c1f09ab33d2",
        f"base {base.pass_at_1.value:.1%}".replace("%", " %"),
        "Compared with the base, on the same questions and seeds",
        "small: DRP",
        "base: median",
        "random pruning trained on random sentences of the rollouts, as short as DRP's",
        "1,930 104 3 400 8,413 4 min",
        "sft, lora, 4 epochs; torch 2.9.1, transformers 4.57.1, peft 0.18.0.",
        "at its lowest.",
        "DRP 71 0.44×",
        "both right · A shop has",
        "won · A shop has",
    ):
        assert text in page.words
    for entrant in run.facts.entrants:
        assert entrant.checkpoint_id[:12] in page.text
    for text in (
        "small, 300 questions × 1",
        "promoted: DRP is shown",
        "✓ sufficiently shorter",
        signed(drp.aes),
        "random pruning",
    ):
        assert text in printed
    assert "majority@" not in page.text, "of one sample it is Pass@1 itself"


def test_the_small_student_is_labelled_as_such(tmp_path: Path) -> None:
    run = make_run()
    con, label = _open(tmp_path, run), "the small student (0.4M parameters), not the paper's model"
    assert Page(build_training_report(con, run.facts)).words.count(label) == 2
    assert label in _printed(con, run.facts)
    other = replace(run.facts, student="models/r1")
    assert "small student" not in Page(build_training_report(con, other)).text
    assert "student: models/r1" in Page(build_training_report(con, other)).words


def test_a_flagged_checkpoint_is_named_with_its_reason(shown: Callable[[MadeRun], Page]) -> None:
    run = make_run()
    facts = replace(run.facts, flags={"DRP": [f"removed source {EVIL}: its licence"]})
    page = shown(MadeRun(run.tables, facts))
    assert "Do not use DRP. removed source" in page.words
    assert "its licence" in page.words
    assert "Do not use" not in shown(run).words


def test_a_rejected_candidate_has_the_reason_with_figures(shown: Callable[[MadeRun], Page]) -> None:
    rule = Promotion(benchmark="small", margin=0.001, saving=0.9)
    run = make_run(rule=rule)
    assert run.facts.decision is not None
    assert not run.facts.decision.promote
    page = shown(run)
    assert "Not promoted DRP is not shown to be" in page.words
    assert "✗ sufficiently shorter: 0." in page.words
    assert "required: below 0.10×" in page.words
    assert "registry promote" not in page.text


def test_a_candidate_without_promotion_is_not_called_the_champion(
    shown: Callable[[MadeRun], Page],
) -> None:
    run = make_run(benchmarks={"small": 300})
    page = shown(MadeRun(run.tables, replace(run.facts, is_champion=False)))
    assert "Not promoted DRP is shown to be shorter and not less accurate, but was not made" in page.words
    assert f"drp registry promote {run.facts.entrants[-1].checkpoint_id[:12]}" in page.text


@pytest.mark.parametrize(
    ("rule", "arms", "text"),
    [
        (None, ("drp",), "Recipe drp has no promotion rule, so there was nothing to decide."),
        (RULE, ("best_of_n",), "Recipe drp has no arm that can be promoted, so there was nothing to decide."),
    ],
)
def test_a_run_without_a_decision_says_so(
    tmp_path: Path, rule: Promotion | None, arms: tuple[str, ...], text: str
) -> None:
    run = make_run(rule=rule, arms=arms)
    con = _open(tmp_path, run)
    page = Page(build_training_report(con, run.facts))
    assert f"Not promoted {text}" in page.words
    assert "required: " not in page.words
    assert "decides" not in page.words or rule
    assert f"not promoted: {text}" in _printed(con, run.facts)


def test_an_unfinished_run_lists_the_remaining_work(tmp_path: Path) -> None:
    run = make_run(benchmarks={"small": 40, "small_longer": 20}, arms=("random_prune", "drp"))
    base, random_prune, drp = run.facts.entrants
    longer = {s["score_id"] for s in run.tables["scores"] if s["benchmark"] == "small_longer"}
    of_drp = {s["score_id"] for s in run.tables["scores"] if s["arm"] == "drp"}
    tables = {
        "checkpoints": [row for row in run.tables["checkpoints"] if row["arm"] != "drp"],
        **{
            table: [row for row in run.tables[table] if row["score_id"] not in longer | of_drp]
            for table in ("scores", "score_samples")
        },
    }
    entrants = [base, random_prune, replace(drp, manifest=None)]
    facts = replace(run.facts, entrants=entrants, compared=(), decision=None, is_champion=False)
    con = _open(tmp_path, MadeRun(tables, facts))
    page = Page(build_training_report(con, facts))
    todo = "train DRP, measure base on small_longer, measure random pruning on small_longer,"
    todo += " measure DRP on small and small_longer, compare"
    assert f"Unfinished Still to be done: {todo}." in page.words
    assert "random pruning trained on random sentences" in page.words
    assert "Compared with the base" not in page.words
    assert "unfinished: Still to be done: train DRP" in _printed(con, facts)


def test_a_run_that_has_just_started_has_a_page_too() -> None:
    run = make_run()
    entrants = [replace(entrant, manifest=None) for entrant in run.facts.entrants]
    facts = replace(run.facts, entrants=entrants, compared=(), decision=None, questions={}, unpruned={})
    page = Page(build_training_report(open_session({}), facts))
    todo = "train DRP, measure base on small, measure DRP on small, compare."
    assert f"Still to be done: {todo}" in page.words


def test_a_cutoff_that_changes_nothing_is_not_a_second_table(shown: Callable[[MadeRun], Page]) -> None:
    same = shown(make_run())
    assert "With a cut-off at 12,000 tokens, as in the paper, all figures are the same" in same.words
    assert same.words.count("arm Pass@1 thinking tokens") == 1
    other = shown(make_run(cutoff=150))
    assert "all figures are the same" not in other.words
    assert other.words.count("arm Pass@1 thinking tokens") == 2
    assert "cut-off" not in shown(make_run(cutoff=None)).words.lower()


def test_truncated_samples_have_a_column_only_where_there_are_any(shown: Callable[[MadeRun], Page]) -> None:
    run = make_run(cutoff=None)
    assert any(row["share_cut"] for row in run.tables["scores"])
    assert "truncated" in shown(run).words
    assert "Truncated: samples that did not end" in shown(run).words
    finished = [row | {"share_cut": 0.0} for row in run.tables["scores"]]
    page = shown(replace(run, tables={**run.tables, "scores": finished}))
    assert "AES looping" in page.words
    assert "Truncated: " not in page.words


def test_a_comparison_of_an_older_version_says_what_it_counted(shown: Callable[[MadeRun], Page]) -> None:
    run = make_run(n_samples=5)
    words = shown(run).words
    assert "p is that of a two-sided sign-flip test" in words
    assert "Lost: questions that the base answered correctly more often." in words
    older = [replace(row, comparison=replace(row.comparison, unit="sample")) for row in run.facts.compared]
    words = shown(replace(run, facts=replace(run.facts, compared=older))).words
    assert "McNemar's test with samples as units, which finds too many differences" in words
    assert "Lost: samples that only the base answered correctly." in words


def test_too_few_questions_cause_a_caveat(tmp_path: Path) -> None:
    run = make_run(benchmarks={"small": 30}, n_samples=5)
    con = _open(tmp_path, run)
    [board] = read_training(con, run.facts).boards
    [row] = board.compared
    caveat = "30 questions are too few for the rule's margin of 1.0 points: for two equally accurate students"
    caveat += f" they can only rule out a loss of {100 * row.least_margin:.1f} points."
    page = Page(build_training_report(con, run.facts))
    assert caveat in page.words
    assert "majority@5" in page.text
    assert "30 questions are too few" in _printed(con, run.facts)
    wide = replace(run.facts, rule=Promotion(benchmark="small", margin=0.5))
    assert "too few" not in Page(build_training_report(con, wide)).words


def test_arms_are_compared_with_the_champion_and_token_ratios_with_the_base(tmp_path: Path) -> None:
    run = make_run(arms=ALL_ARMS)
    con = _open(tmp_path, run)
    page = Page(build_training_report(con, run.facts))
    [board] = read_training(con, run.facts).boards
    assert [score.arm for score in board.scores] == list(ARMS)
    assert [row.arm for row in board.compared] == [arm for arm in ARMS if arm != "champion"]
    assert "Compared with the champion, on the same questions" in page.words
    assert "base champion" not in page.words
    assert board.scores[0].share_of_base == 1
    assert "other arms" in page.words


def test_a_training_ratio_needs_one_counter(tmp_path: Path) -> None:
    run = make_run()
    con = _open(tmp_path, run)
    known = read_training(con, run.facts)
    [(drp, manifest)] = known.trained
    assert known.counter == COUNTER
    tokens = manifest.tokens_trained / (manifest.examples_used * manifest.epochs) - 1
    assert known.training_ratio(drp) == pytest.approx(tokens / run.facts.unpruned[COUNTER])
    facts = replace(run.facts, unpruned={"characters": 700.0})
    assert read_training(con, facts).training_ratio(drp) is None
    assert "so the ratio to the unpruned rollouts is unknown" in Page(build_training_report(con, facts)).words


def test_pairs_are_of_each_kind_and_reproducible(tmp_path: Path) -> None:
    run = make_run(benchmarks={"small": 200})
    pairs = read_pairs(_open(tmp_path / "a", run), run.facts)
    assert pairs == read_pairs(_open(tmp_path / "b", run), run.facts)
    assert [pair.kind for pair in pairs] == ["both right"] * 2 + ["lost"] * 2 + ["won"] * 2
    for pair in pairs:
        assert (pair.base.is_right, pair.arm.is_right) == (pair.kind != "won", pair.kind != "lost")
        assert pair.gold_answer == run.facts.questions[pair.question_id].gold_answer
    nameless = read_pairs(_open(tmp_path / "c", run), replace(run.facts, questions={}))
    assert [pair.question for pair in nameless] == [None] * 6


def test_all_texts_are_escaped(tmp_path: Path) -> None:
    run = make_run(benchmarks={"small": 20})
    texts = {"thinking": EVIL, "response": EVIL, "predicted_answer": EVIL, "token_counter": EVIL}
    tables = {**run.tables, "score_samples": [row | texts for row in run.tables["score_samples"]]}
    base, drp = run.facts.entrants
    assert drp.manifest is not None
    marked = replace(drp, manifest=drp.manifest.model_copy(update={"versions": {EVIL: EVIL}}))
    questions = {
        name: replace(question, question=EVIL, gold_answer=EVIL)
        for name, question in run.facts.questions.items()
    }
    facts = replace(
        run.facts, recipe=EVIL, student=EVIL, run_id=EVIL, entrants=[base, marked], questions=questions
    )
    con = _open(tmp_path, MadeRun(tables, facts))
    page = Page(build_training_report(con, facts))
    assert not {tag for tag, _ in page.tags} & {"script", "img", "iframe", "object", "link", "form"}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert page.text.count(EVIL) >= 12
    assert "[/bold]" in _printed(con, replace(facts, student="[/bold]"))


def test_looping_traces_do_not_make_a_giant_page(tmp_path: Path) -> None:
    run = make_run(benchmarks={"small": 20})
    giant = {"thinking": "<&>'\"" * 100_000, "response": "<&>" * 10_000}
    tables = {**run.tables, "score_samples": [row | giant for row in run.tables["score_samples"]]}
    html = build_training_report(_open(tmp_path, MadeRun(tables, run.facts)), run.facts)
    assert len(html.encode()) < 1_500_000


def test_the_page_loads_nothing_and_its_links_have_targets(shown: Callable[[MadeRun], Page]) -> None:
    page = shown(make_run(arms=ALL_ARMS))
    addresses = {"src", "href", "srcset", "action", "data", "poster", "background"}
    followed = {a[name] for _, a in page.tags for name in addresses & a.keys()}
    assert followed == {"#scores", "#lengths", "#training", "#pairs"}
    assert followed <= {f"#{attributes.get('id')}" for _, attributes in page.tags}
    policies = [a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"]


def test_every_command_can_be_pasted_and_runs_the_query_of_the_page(tmp_path: Path) -> None:
    run = make_run(benchmarks={"small": 200}, arms=("random_prune", "drp"))
    con = _open(tmp_path, run)
    commands = [typed(command) for command in Page(build_training_report(con, run.facts)).commands]
    assert len(commands) >= 10
    for words in commands:
        check_statement(con, words[-1])
        if "--version" in words:
            assert words[:3] == ["sql", "--version", "7"]
            continue
        assert words[:3] == ["sql", "--run", run.facts.run_id] or words == ["sql", "FROM leaderboard"]
        assert con.execute(words[-1]).fetchall()
    for query in (training_queries.SCORES, training_queries.LENGTHS, training_queries.OUTCOMES):
        words = typed(page_queries.command(run.facts, query))
        assert con.execute(words[-1]).fetchall() == fetch_rows(con, run.facts, query)


@pytest.mark.parametrize(
    ("difference", "text"), [(0.0123, "+1.2"), (-0.0123, "−1.2"), (-0.0001, "0.0"), (0.0, "0.0")]
)
def test_a_difference_has_a_sign_unless_it_is_zero(difference: float, text: str) -> None:
    assert points(difference) == text
