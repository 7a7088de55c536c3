"""Progress in the log and in a terminal."""

import logging
import sys

import pytest

from drp.console import progress as module
from drp.console.progress import Progress


def test_it_logs_rows_done_and_time_left_at_intervals(caplog, monkeypatch):
    clock = iter([0.0, 10.0, 60.0, 61.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    shard = Progress("prune ab12", 400)
    with caplog.at_level(logging.INFO):
        for done in (20, 100, 101):
            shard.update(done)
    assert caplog.messages == ["prune ab12: 100 of 400 rows, about 3 min left"]


def test_work_of_an_earlier_attempt_does_not_count_as_speed(caplog, monkeypatch):
    clock = iter([0.0, 60.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    training = Progress("training", 300, unit="steps", done=200)
    with caplog.at_level(logging.INFO):
        training.update(201, "loss 0.5000")
    assert caplog.messages == ["training: 201 of 300 steps, loss 0.5000, about 99 min left"]


def test_without_a_total_it_logs_the_rate(caplog, monkeypatch):
    clock = iter([0.0, 60.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    teacher = Progress("teacher openai", None, unit="answers")
    with caplog.at_level(logging.INFO):
        teacher.update(120, "0.52 USD so far")
    assert caplog.messages == ["teacher openai: 120 answers, 0.52 USD so far, 120 per minute"]


def test_in_a_terminal_it_draws_a_bar_and_logs_nothing(
    caplog, monkeypatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with caplog.at_level(logging.INFO), Progress("training", 4, unit="steps", bar=True) as training:
        for step in range(1, 5):
            training.update(step, f"loss {1 / step:.2f}")
    drawn = capsys.readouterr().err
    assert all(text in drawn for text in ("training", "4/4", "loss 0.25"))
    assert not caplog.messages
