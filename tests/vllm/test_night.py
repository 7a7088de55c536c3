"""Nights whose teacher is a real server that talks nonsense: rejected with reasons, and quarantined."""

import subprocess
import sys
from collections import Counter

import pytest
import yaml

from drp.config.settings import settings
from drp.config.teacher_profiles import BUILT_IN, _profiles
from drp.gates.great_expectations.validate import NightQuarantinedError
from drp.gates.reject_reasons import REASONS
from drp.ledger.ledger import open_ledger
from drp.pipeline.nightly import nightly
from drp.query.session import select
from drp.runtime.context import RunContext, open_night
from drp.teacher.llm.reply_schemas import FusedReply, StepRunsReply, UnusableReplyError, parsed
from drp.teacher.transport.errors import TeacherRefusedError
from tests.helpers.nights import DAY, write_recipe
from tests.helpers.repository import ROOT
from tests.scripted_student.server import scripted

pytestmark = pytest.mark.vllm


NIGHTS = {
    "in one request": ({}, True, FusedReply),
    "in one request, the schema in words": ({}, False, FusedReply),
    "revised alone": ({"asking": "indexed", "decomposition": "none"}, True, StepRunsReply),
}
QUESTIONS = 50  # the fewest that are judged by their shares
BEFORE_IT_WAS_SENT = {"truncated", "degenerate", "answer_missing", "rollout_wrong", "duplicate"}


@pytest.fixture
def tonight(tmp_path, monkeypatch, server):
    """Opens a night with the shipped `vllm` teacher, whose replies are short and sampled."""

    def opened(*, has_schema: bool = True, **recipe) -> RunContext:
        profile = yaml.safe_load(BUILT_IN.read_text())["teachers"]["vllm"]
        profile["limits"] |= {"output_tokens": 300, "patience_s": 60}
        # No seed: vLLM 0.32 on a CPU dies of one when it samples and reads a prompt in more than one go.
        profile["sampling"] = {"temperature": 1}
        if not has_schema:
            profile["supports"].remove("json_schema")
        teachers = tmp_path / "teachers.yaml"
        teachers.write_text(yaml.safe_dump({"teachers": {"vllm": profile}}))
        settings.cache_clear()
        _profiles.cache_clear()
        return open_night(write_recipe(tmp_path, **scripted(QUESTIONS, 3), **recipe), DAY)

    monkeypatch.setenv("DRP_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("DRP_DATABASE_URL", f"sqlite:///{tmp_path}/ledger.db")
    monkeypatch.setenv("DRP_TEACHER", "vllm")
    monkeypatch.setenv("DRP_TEACHER_BASE_URL", server.base_url)
    monkeypatch.setenv("DRP_TEACHERS_FILE", str(tmp_path / "teachers.yaml"))
    monkeypatch.setenv("VLLM_API_KEY", server.key)
    yield opened
    settings.cache_clear()


def rows(night: RunContext, query: str) -> list[dict]:
    return list(select(night.visible_parts(), query))


@pytest.mark.parametrize("way", NIGHTS)
def test_nonsense_is_rejected_with_reasons_and_the_night_is_quarantined(
    tonight, server, tmp_path, capsys, way
):
    recipe, has_schema, model = NIGHTS[way]
    night, before = tonight(has_schema=has_schema, **recipe), len(server.asked())
    with pytest.raises(NightQuarantinedError, match="accepted is within"):
        nightly(night)

    # Every rollout is accounted for, and nothing of it can be trained on.
    revisions = rows(night, "FROM revisions")
    assert len(revisions) == QUESTIONS == len({row["rollout_id"] for row in revisions})
    assert {row["status"] for row in revisions} == {"rejected"}
    assert all(row["reject_reasons"] and row["reject_detail"] for row in revisions)
    reasons = Counter(row["reject_reasons"][0] for row in revisions)
    assert reasons.keys() <= REASONS.keys()
    (balance,) = rows(night, "FROM accounting")
    assert (balance["rollouts"], balance["accepted"], balance["rejected"]) == (QUESTIONS, 0, QUESTIONS)
    assert balance["adds_up"]
    assert night.lake.corpus.numbers() == night.lake.results.numbers() == []
    assert night.run.state().state == "quarantined"
    page = (tmp_path / f"lake/{night.report_folder}/report.html").read_text()
    assert "quarantined" in page
    assert all(reason in page for reason in reasons)

    # The books have every call, at no cost.
    with open_ledger(settings().resolved_database_url) as ledger:
        [books] = ledger.totals()
        calls = [call.row for call in ledger.unexported()]
    asked = server.asked()[before:]
    assert set(asked) == {200}
    assert (
        len(calls) == books.requests == books.attempts == books.landed == books.known_attempts == len(asked)
    )
    sent = [row for row in revisions if not BEFORE_IT_WAS_SENT & {*row["reject_reasons"]}]
    assert len(sent) < len(asked) <= 2 * QUESTIONS
    assert (books.known, books.lost.attempts, books.in_flight.attempts) == (0, 0, 0)
    assert all(call["prompt_tokens"] > 0 and call["completion_tokens"] > 0 for call in calls)
    assert {call["cost_usd"] for call in calls} == {0.0}
    assert books.completion_tokens == sum(call["completion_tokens"] for call in calls)

    # What had to follow the schema does, unless it was cut; what did not have to does not.
    whole = [call["raw_text"] for call in calls if call["finish_reason"] == "stop"]
    assert len(whole) > QUESTIONS / 4
    assert sum(_is_read(model, text) for text in whole) == (len(whole) if has_schema else 0)
    with capsys.disabled():
        tokens = f"{books.prompt_tokens:,} + {books.completion_tokens:,} tokens"
        print(f"\n{way}: {len(asked)} requests, {tokens}, {len(whole)} replies whole; {dict(reasons)}")

    # The same night again asks nothing, and says the same to the shell.
    again = subprocess.run(
        [
            sys.executable,
            "-m",
            "drp.cli.main",
            "nightly",
            "--recipe",
            str(tmp_path / "drp.yaml"),
            "--run-date",
            DAY,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 1
    assert f"drp: run {night.run_id} is quarantined" in again.stderr
    assert "Traceback" not in again.stderr
    assert len(server.asked()) == before + len(asked)


def _is_read(model: type, text: str) -> bool:
    try:
        parsed(model, text)
    except UnusableReplyError:
        return False
    return True


@pytest.mark.parametrize(
    ("variable", "value", "status", "says"),
    [
        ("VLLM_API_KEY", "key-of-another-1c9b", 401, "the key is wrong"),
        ("VLLM_API_KEY", "", 401, "the key is wrong"),
        ("DRP_TEACHER_MODEL", "gpt-none", 404, "no such model"),
    ],
)
def test_a_wrong_key_and_an_unknown_model_fail_once(
    tonight, server, monkeypatch, variable, value, status, says
):
    monkeypatch.setenv(variable, value)
    night, before = tonight(), len(server.asked())
    with pytest.raises(TeacherRefusedError, match=says) as caught:
        nightly(night)
    assert server.asked()[before:] == [status]
    assert "key-of-another" not in str(caught.value)
    with open_ledger(settings().resolved_database_url) as ledger:
        [books] = ledger.totals()
    assert (books.attempts, books.failed, books.known) == (1, 1, 0)
