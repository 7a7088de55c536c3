"""`drp review` as people use it: in a terminal, in a pipe, on a page, and by single commands."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drp.config.settings import settings
from drp.lake.lake import Lake, open_lake
from drp.reviews.vocabulary import FAULTS, VERDICTS
from tests.helpers.lake_runs import publish
from tests.helpers.report_pages import Page
from tests.helpers.repository import ROOT
from tests.helpers.reviewed_nights import NIGHT, night_tables, published_night, quarantined_night

HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e<script>alert(1)</script><img src=x onerror=alert(2)>"
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture(autouse=True)
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    monkeypatch.setenv("DRP_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("DRP_REVIEWER", "anna")
    settings.cache_clear()
    yield open_lake()
    settings.cache_clear()


def hostile_night(lake: Lake) -> None:
    """Publish a night in which every text of a model or a file is hostile."""
    tables = night_tables(1, thinking=HOSTILE + "x" * 100, response=HOSTILE, student=HOSTILE)
    tables["questions"][0] |= {"question": HOSTILE, "gold_answer": HOSTILE, "dataset": HOSTILE}
    tables["revisions"][0] |= {"thinking": HOSTILE, "response": HOSTILE}
    for step in tables["steps"]:
        step |= {"skill": HOSTILE, "skill_family": HOSTILE, "char_start": 0, "char_end": 80}
    for decision in tables["decisions"]:
        decision |= {"action": "SINGLE-STEP COMPRESS", "revised_text": HOSTILE, "reason": HOSTILE}
    publish(lake, NIGHT, tables)


def asked(drp, query: str) -> list[dict[str, object]]:
    status, out, error = drp("sql", "--format", "json", query)
    assert status == 0, error
    return json.loads(out)


def reviews(drp) -> list[tuple[object, ...]]:
    found = asked(drp, "FROM reviews ORDER BY revision_id, reviewer, number")
    return [(r["revision_id"], r["reviewer"], r["verdict"], r["fault"], r["note"]) for r in found]


def test_the_sample_as_json(drp, lake):
    published_night(lake, 5, rejected=1)
    status, out, _ = drp("review", "--run", NIGHT, "--n", "3", "--json")
    assert status == 0
    sample = json.loads(out)
    assert len(sample) == 3
    (first, *_) = sample
    assert (first["run_id"], first["status"], first["question"]) == (NIGHT, "accepted", "What is 2 + 2?")
    assert "".join(step["original"] for step in first["steps"]) == first["original_thinking"]
    assert [step["action"] for step in first["steps"]] == ["KEEP", "DELETE"]
    assert json.loads(drp("review", "--json", "--n", "3", "--reviewer", "bo")[1]) == sample
    (rejection,) = json.loads(drp("review", "--json", "--rejected")[1])
    assert rejection["reject_reasons"] == ["rollout_wrong"]
    assert json.loads(drp("review", "--json", "--reason", "hollow")[1]) == []


def test_a_command_stores_a_verdict_that_sql_sees_and_the_sample_leaves_out(drp, lake):
    published_night(lake, 2)
    status, out, _ = drp(
        *("review", "record", "v1", "--verdict", "severe", "--fault", "missing_link", "--note", "where from?")
    )
    assert (status, out) == (0, f"v1 of {NIGHT}: severe, missing_link, verdict 1 of anna\n")
    assert drp("review", "record", "v1", "--verdict", "sound", "--reviewer", "bo")[0] == 0
    assert reviews(drp) == [
        ("v1", "anna", "severe", "missing_link", "where from?"),
        ("v1", "bo", "sound", None, None),
    ]
    left = [pair["revision_id"] for pair in json.loads(drp("review", "--json")[1])]
    assert left == ["v0"]
    assert len(json.loads(drp("review", "--json", "--reviewer", "carl")[1])) == 2
    assert drp("review", "record", "v0", "--verdict", "sound")[0] == 0
    assert "no accepted revision that anna has not judged (2 judged)" in drp("review")[1]


@pytest.mark.parametrize(
    ("words", "status", "valid"),
    [
        (["v0", "--verdict", "bad"], 2, VERDICTS),
        (["v0", "--verdict", "severe", "--fault", "typo"], 2, FAULTS),
        (["v0", "--verdict", "severe"], 1, FAULTS),
        (["v0", "--verdict", "sound", "--fault", "hollow"], 1, ["hollow"]),
        (["v0", "--verdict", "minor", "--fault", "other"], 1, ["note"]),
        (["nothing", "--verdict", "sound"], 1, ["'nothing'"]),
        (["v0", "--verdict", "sound", "--reviewer", "a\x1b[2J"], 1, ["reviewer"]),
        (["v0"], 2, ["--verdict"]),
    ],
)
def test_what_is_invalid_is_refused_with_what_is_valid_and_nothing_is_stored(drp, lake, words, status, valid):
    published_night(lake)
    done, _, error = drp("review", "record", *words)
    assert done == status
    assert [name for name in valid if name not in error] == []
    assert "\x1b[2J" not in error
    assert list(lake.store.listed("_reviews")) == []


def test_unknown_runs_and_reasons_are_refused(drp, lake):
    assert "no night yet" in drp("review")[2]
    published_night(lake)
    assert "2026-01-01-drp" in drp("review", "--run", "2026-01-01-drp")[2]
    status, _, error = drp("review", "--reason", "typo", "--json")
    assert (status, "rollout_wrong" in error) == (1, True)
    assert drp("review", "--json", "--page", "x.html")[0] == 2
    assert drp("review", "--n", "0")[0] == 2


def test_without_a_terminal_the_pairs_are_printed_and_answers_are_lines(drp, lake):
    published_night(lake, 4)
    answers = "0\nwhat?\n?\nsevere\n1\nwhere from?\nskip\nq\n"
    status, out, error = drp("review", stdin=answers)
    assert status == 0, error
    for words in (
        "1 of 4",
        "QUESTION  What is 2 + 2?",
        "GOLD ANSWER  4",
        "✕ DELETE 2 · checking a result · checks what is already certain",
        "Wait, let me check",
        "use one of: 0 sound, 1 minor",
        FAULTS["missing_link"],
        "stored: severe, missing_link",
        "4 of 4",
        "2 verdicts stored",
    ):
        assert words in out
    assert sorted(row[2:] for row in reviews(drp)) == [
        ("severe", "missing_link", "where from?"),
        ("sound", None, None),
    ]


def test_going_back_judges_again_and_other_needs_a_note(drp, lake):
    published_night(lake, 2)
    status, out, _ = drp("review", stdin="0\nb\n1\nother\n\n1\nother\na blemish\n0\n")
    assert status == 0
    assert "the fault other needs a note" in out
    counted = asked(drp, "SELECT revision_id, number, verdict FROM reviews ORDER BY number, reviewed_at")
    assert [(row["number"], row["verdict"]) for row in counted] == [(1, "sound"), (1, "sound"), (2, "minor")]


@pytest.mark.parametrize("stdin", ["", "0\n", "0\n3\n", "0\n3\n1\n"])
def test_the_end_of_the_input_ends_the_session_and_keeps_what_was_given(drp, lake, stdin):
    published_night(lake, 3)
    status, out, _ = drp("review", stdin=stdin)
    assert status == 0
    given = min(len(stdin), 1)
    assert f"{given} verdict" in out
    assert len(reviews(drp)) == given


def test_a_quarantined_night_can_be_read_before_it_is_released(drp, lake):
    quarantined_night(lake, 1)
    assert drp("review", "--run", NIGHT, stdin="3\n2\n\n")[0] == 0
    out = drp("sql", "--run", NIGHT, "--format", "json", "SELECT verdict, fault FROM reviews")[1]
    assert json.loads(out) == [{"verdict": "severe", "fault": "dangling_reference"}]


def test_hostile_text_does_not_control_the_terminal(drp, lake):
    hostile_night(lake)
    for words in (["review"], ["review", "--json"]):
        status, out, _ = drp(*words, stdin="q\n")
        assert status == 0
        assert CONTROL.findall(out) == []
        assert "[2J" in out
    (pair,) = json.loads(drp("review", "--json")[1])
    assert pair["question"] == HOSTILE, "JSON loses nothing"


def test_hostile_text_is_escaped_on_the_page(drp, lake, tmp_path):
    hostile_night(lake)
    file = tmp_path / "review.html"
    assert drp("review", "--page", str(file))[0] == 0
    page = Page(file.read_text(encoding="utf-8"))
    assert not {tag for tag, _ in page.tags} & {"script", "img", "iframe", "object", "link", "form"}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert page.text.count("<script>alert(1)</script>") >= 8


def test_the_page_shows_the_pairs_and_the_commands_that_store_a_verdict(drp, lake, tmp_path):
    published_night(lake, 3, rejected=1)
    drp("review", "record", "v0", "--verdict", "sound")
    file = tmp_path / "review.html"
    status, out, _ = drp("review", "--page", str(file))
    assert (status, out) == (0, f"page: {file} (2 revisions of {NIGHT})\n")
    page = Page(file.read_text(encoding="utf-8"))
    for words in (
        f"Review of {NIGHT}",
        "2 accepted revisions · reviewer anna · 1 that anna has judged are left out",
        "DELETE 2 · checking a result · checks what is already certain Wait, let me check: yes, four.",
        "pruned trace · gold answer 4 Two and two make four.",
        FAULTS["dangling_reference"],
    ):
        assert words in page.words
    commands = [command.split() for command in page.commands]
    assert {words[3] for words in commands} == {"v1", "v2"}
    for words in commands:
        assert drp(*words[1:])[0] == 0
    assert len(reviews(drp)) == 5
    assert not re.search(r"url\(|@import|https?://", file.read_text(encoding="utf-8"))
    drp("review", "--rejected", "--page", str(file))
    assert "It was rejected before" not in Page(file.read_text()).words
    assert "Rejected: rollout_wrong" in Page(file.read_text()).words
    status, _, error = drp("review", "--page", str(tmp_path / "no/such/folder.html"), "--reviewer", "bo")
    assert (status, "cannot be written" in error) == (1, True)


class Screen:
    """The other end of a terminal in which a command runs."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self.shown = b""
        self._master = master

    def wait_for(self, words: str, within_s: float = 30) -> None:
        """Wait until the terminal has shown these words, after those of the last call."""
        end = time.monotonic() + within_s
        while words.encode() not in self.shown:
            assert time.monotonic() < end, self.shown.decode()
            if select.select([self._master], [], [], 0.2)[0]:
                self.shown += os.read(self._master, 65536)
        self.shown = self.shown.partition(words.encode())[2]

    def type(self, keys: str) -> None:
        """Press these keys."""
        os.write(self._master, keys.encode())


@contextmanager
def terminal(*words: str, lines: int = 12) -> Iterator[Screen]:
    """Run a command on a terminal with this many lines."""
    master, slave = pty.openpty()
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm",
        "LINES": str(lines),
        "COLUMNS": "100",
    }
    # In a session of its own, whose terminal this is, Ctrl-C is a signal; a background job would ignore it.
    program = (
        "import fcntl, signal, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
        "signal.signal(signal.SIGINT, signal.default_int_handler); from drp.cli.main import main; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment,
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Screen(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def test_on_a_terminal_there_are_pages_and_single_keys_and_nothing_is_lost_on_ctrl_c(drp, lake):
    published_night(lake, 3)
    with terminal("review") as screen:
        screen.wait_for("space more")
        screen.type(" ")
        screen.wait_for("? help: ")
        screen.type("\x1b[A")  # an arrow key is no answer
        screen.wait_for("use one of")
        screen.type("3")
        screen.wait_for("9 other")
        screen.type("1")
        screen.wait_for("note (Enter for none)")
        screen.type("where from?\n")
        screen.wait_for("stored: severe, missing_link")
        assert len(list(lake.store.listed("_reviews"))) == 1, "stored at once"
        screen.wait_for("space more")
        screen.type("0")  # a key before the last page
        screen.wait_for("stored: sound")
        screen.wait_for("space more")
        screen.type("\x03")
        screen.wait_for("2 verdicts stored")
        screen.wait_for("drp report")
        assert screen.process.wait(30) == 0
    assert sorted(row[2:] for row in reviews(drp)) == [
        ("severe", "missing_link", "where from?"),
        ("sound", None, None),
    ]


def test_keys_that_are_typed_ahead_are_kept_and_a_killed_session_loses_nothing(drp, lake):
    published_night(lake, 4)
    with terminal("review", lines=200) as screen:
        screen.wait_for("? help: ")
        screen.type("0s0")
        screen.wait_for("stored: sound")
        screen.wait_for("stored: sound")
        screen.wait_for("4 of 4")
        screen.process.send_signal(signal.SIGKILL)
        screen.process.wait()
    assert reviews(drp) == []
    assert drp("review", "--n", "1", stdin="q\n")[0] == 0
    assert [row[2] for row in reviews(drp)] == ["sound", "sound"]


def test_the_reviewer_is_the_login_name_by_default(drp, lake, monkeypatch):
    published_night(lake)
    monkeypatch.delenv("DRP_REVIEWER")
    monkeypatch.setenv("USER", "login")
    settings.cache_clear()
    drp("review", "record", "v0", "--verdict", "sound")
    assert [row[1] for row in reviews(drp)] == ["login"]
