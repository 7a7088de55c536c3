"""The page of a training run and its tables: honest figures, strangers' texts as text, nothing fetched."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from drp.config.evaluation import Promotion
from drp.core.plugins import plugin_names
from drp.query.session import check_statement, open_session
from drp.report.nightly import queries
from drp.report.template import points, signed
from drp.report.training import queries as training_queries
from drp.report.training.examples import read_pairs
from drp.report.training.load import read_training
from drp.report.training.model import ARMS, TrainingFacts
from drp.report.training.page import build_training_report
from drp.report.training.summary import scoreboard
from tests.cli.test_report import typed
from tests.helpers.report_pages import Page
from tests.helpers.row_factories import write_parts
from tests.helpers.training_runs import COUNTER, RULE, MadeRun, make_run
from tests.report.test_nightly_page import EVIL

ALL_ARMS = ("champion", "unpruned_sft", "random_prune", "best_of_n", "drp")


@pytest.fixture
def shown(tmp_path: Path) -> Callable[[MadeRun], Page]:
    """The page of a made run."""
    return lambda run: Page(build_training_report(_open(tmp_path, run), run.facts))


def _open(folder: Path, run: MadeRun) -> duckdb.DuckDBPyConnection:
    return open_session(write_parts(folder, run.tables))


def _printed(con: duckdb.DuckDBPyConnection, facts: TrainingFacts) -> str:
    out = io.StringIO()
    Console(file=out, width=80).print(*scoreboard(con, facts))
    return " ".join(out.getvalue().replace("│", " ").split())


def test_every_arm_has_its_words() -> None:
    assert set(ARMS) == {"base", "champion", *plugin_names("curations")}


def test_the_page_tells_the_run(tmp_path: Path) -> None:
    run = make_run(arms=("random_prune", "drp"), benchmarks={"small": 300, "small_longer": 40})
    con = _open(tmp_path, run)
    page, printed = Page(build_training_report(con, run.facts)), _printed(con, run.facts)
    base, random_prune, drp = read_training(con, run.facts).boards[0].scores
    assert (base.arm, random_prune.arm, drp.arm) == ("base", "random_prune", "drp")
    assert drp.share_of_base == pytest.approx(drp.mean_tokens / base.mean_tokens)
    for said in (
        "2026-11-21-train-drp",
        "recipe drp · corpus version 7",
        "Promoted DRP is shown to be shorter and not less accurate: it is the champion.",
        "✓ as accurate: Pass@1 +",
        "✓ enough shorter: 0.",
        "300 questions × 1 sample, zero-shot, tokens counted by tokenizer 5c1f09ab33d2",
        f"base {base.pass_at_1.value:.1%}".replace("%", " %"),
        "Beside the base, on the same questions with the same seeds",
        "small: DRP",
        "base: median",
        "random pruning trained on random sentences of them, as short as DRP's 1,930 104 3 400 8,413 4 min",
        "sft, lora, 4 epochs; torch 2.9.1, transformers 4.57.1, peft 0.18.0.",
        "at its lowest.",
        "DRP 71 0.44×",
        "both right · A shop has",
        "won · A shop has",
    ):
        assert said in page.words
    for entrant in run.facts.entrants:
        assert entrant.checkpoint_id[:12] in page.text
    for said in (
        "small, 300 questions × 1",
        "promoted: DRP is shown",
        "✓ enough shorter",
        signed(drp.aes),
        "random pruning",
    ):
        assert said in printed
    assert "majority@" not in page.text, "of one sample it is Pass@1 itself"


def test_the_small_student_is_never_passed_off_as_the_papers(tmp_path: Path) -> None:
    run = make_run()
    con, label = _open(tmp_path, run), "the small student (0.4M parameters), not the paper's model"
    assert Page(build_training_report(con, run.facts)).words.count(label) == 2
    assert label in _printed(con, run.facts)
    other = replace(run.facts, student="models/r1")
    assert "small student" not in Page(build_training_report(con, other)).text
    assert "student: models/r1" in Page(build_training_report(con, other)).words


def test_a_refused_candidate_is_told_why_with_its_figures(shown: Callable[[MadeRun], Page]) -> None:
    rule = Promotion(benchmark="small", margin=0.001, saving=0.9)
    run = make_run(rule=rule)
    assert run.facts.decision is not None
    assert not run.facts.decision.promote
    page = shown(run)
    assert "Not promoted DRP is not shown to be" in page.words
    assert "✗ enough shorter: 0." in page.words
    assert "below 0.10× is asked for" in page.words
    assert "registry promote" not in page.text


def test_a_candidate_that_nobody_promoted_is_not_called_the_champion(
    shown: Callable[[MadeRun], Page],
) -> None:
    run = make_run(benchmarks={"small": 300})
    page = shown(MadeRun(run.tables, replace(run.facts, is_champion=False)))
    assert "Not promoted DRP is shown to be shorter and not less accurate, but was not made" in page.words
    assert f"drp registry promote {run.facts.entrants[-1].checkpoint_id[:12]}" in page.text


@pytest.mark.parametrize(
    ("rule", "arms", "said"),
    [
        (None, ("drp",), "Recipe drp has no rule for promotion: the scores stand for themselves."),
        (RULE, ("best_of_n",), "Recipe drp has no arm that is promoted: the scores stand for themselves."),
    ],
)
def test_a_run_without_a_decision_is_told_as_such(
    tmp_path: Path, rule: Promotion | None, arms: tuple[str, ...], said: str
) -> None:
    run = make_run(rule=rule, arms=arms)
    con = _open(tmp_path, run)
    page = Page(build_training_report(con, run.facts))
    assert f"Not promoted {said}" in page.words
    assert "asked for" not in page.words
    assert "decides" not in page.words or rule
    assert f"not promoted: {said}" in _printed(con, run.facts)


def test_an_unfinished_run_says_what_is_still_to_be_done(tmp_path: Path) -> None:
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
    assert "Beside the base" not in page.words
    assert "unfinished: Still to be done: train DRP" in _printed(con, facts)


def test_a_run_that_has_just_begun_has_a_page_too() -> None:
    run = make_run()
    entrants = [replace(entrant, manifest=None) for entrant in run.facts.entrants]
    facts = replace(run.facts, entrants=entrants, compared=(), decision=None, questions={}, unpruned={})
    page = Page(build_training_report(open_session({}), facts))
    todo = "train DRP, measure base on small, measure DRP on small, compare."
    assert f"Still to be done: {todo}" in page.words


def test_a_cutoff_that_changes_nothing_is_not_a_second_table(shown: Callable[[MadeRun], Page]) -> None:
    same = shown(make_run())
    assert "Cut off at 12,000 tokens, as in the paper, every figure is the same" in same.words
    assert same.words.count("arm Pass@1 thinking tokens") == 1
    other = shown(make_run(cutoff=150))
    assert "every figure is the same" not in other.words
    assert other.words.count("arm Pass@1 thinking tokens") == 2
    assert "cut off" not in shown(make_run(cutoff=None)).words.lower()


def test_few_questions_are_said_to_prove_little(tmp_path: Path) -> None:
    run = make_run(benchmarks={"small": 30}, n_samples=5)
    con = _open(tmp_path, run)
    [board] = read_training(con, run.facts).boards
    [row] = board.compared
    said = "30 questions prove little: between two students that are equally right they rule out a loss of"
    said += f" {100 * row.least_margin:.1f} points, and none as small as the rule's margin of 1.0."
    page = Page(build_training_report(con, run.facts))
    assert said in page.words
    assert "majority@5" in page.text
    assert "30 questions prove little" in _printed(con, run.facts)
    wide = replace(run.facts, rule=Promotion(benchmark="small", margin=0.5))
    assert "prove little" not in Page(build_training_report(con, wide)).words


def test_arms_stand_beside_the_champion_and_their_tokens_beside_the_base(tmp_path: Path) -> None:
    run = make_run(arms=ALL_ARMS)
    con = _open(tmp_path, run)
    page = Page(build_training_report(con, run.facts))
    [board] = read_training(con, run.facts).boards
    assert [score.arm for score in board.scores] == list(ARMS)
    assert [row.arm for row in board.compared] == [arm for arm in ARMS if arm != "champion"]
    assert "Beside the champion, on the same questions" in page.words
    assert "base champion" not in page.words
    assert board.scores[0].share_of_base == 1
    assert "the other arms" in page.words


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
    assert "is not known in its tokens" in Page(build_training_report(con, facts)).words


def test_pairs_are_of_each_kind_and_the_same_each_time(tmp_path: Path) -> None:
    run = make_run(benchmarks={"small": 200})
    pairs = read_pairs(_open(tmp_path / "a", run), run.facts)
    assert pairs == read_pairs(_open(tmp_path / "b", run), run.facts)
    assert [pair.kind for pair in pairs] == ["both right"] * 2 + ["lost"] * 2 + ["won"] * 2
    for pair in pairs:
        assert (pair.base.is_right, pair.arm.is_right) == (pair.kind != "won", pair.kind != "lost")
        assert pair.gold_answer == run.facts.questions[pair.question_id].gold_answer
    nameless = read_pairs(_open(tmp_path / "c", run), replace(run.facts, questions={}))
    assert [pair.question for pair in nameless] == [None] * 6


def test_the_texts_of_strangers_are_text(tmp_path: Path) -> None:
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


def test_traces_that_loop_do_not_make_a_giant_page(tmp_path: Path) -> None:
    run = make_run(benchmarks={"small": 20})
    giant = {"thinking": "<&>'\"" * 100_000, "response": "<&>" * 10_000}
    tables = {**run.tables, "score_samples": [row | giant for row in run.tables["score_samples"]]}
    html = build_training_report(_open(tmp_path, MadeRun(tables, run.facts)), run.facts)
    assert len(html.encode()) < 1_500_000


def test_the_page_fetches_nothing_and_its_links_lead_somewhere(shown: Callable[[MadeRun], Page]) -> None:
    page = shown(make_run(arms=ALL_ARMS))
    addresses = {"src", "href", "srcset", "action", "data", "poster", "background"}
    followed = {a[name] for _, a in page.tags for name in addresses & a.keys()}
    assert followed == {"#scores", "#lengths", "#training", "#pairs"}
    assert followed <= {f"#{attributes.get('id')}" for _, attributes in page.tags}
    policies = [a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"]


def test_every_command_can_be_pasted_and_asks_what_the_page_asked(tmp_path: Path) -> None:
    run = make_run(benchmarks={"small": 200}, arms=("random_prune", "drp"))
    con = _open(tmp_path, run)
    asked = [typed(command) for command in Page(build_training_report(con, run.facts)).commands]
    assert len(asked) >= 10
    for words in asked:
        check_statement(con, words[-1])
        if "--version" in words:
            assert words[:3] == ["sql", "--version", "7"]
            continue
        assert words[:3] == ["sql", "--run", run.facts.run_id] or words == ["sql", "FROM leaderboard"]
        assert con.execute(words[-1]).fetchall()
    for query in (training_queries.SCORES, training_queries.LENGTHS, training_queries.OUTCOMES):
        words = typed(queries.command(run.facts, query))
        assert con.execute(words[-1]).fetchall() == queries.ask(con, run.facts, query)


@pytest.mark.parametrize(
    ("difference", "said"), [(0.0123, "+1.2"), (-0.0123, "−1.2"), (-0.0001, "0.0"), (0.0, "0.0")]
)
def test_a_difference_has_a_sign_unless_it_is_none(difference: float, said: str) -> None:
    assert points(difference) == said
