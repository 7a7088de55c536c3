"""Kill a night at random moments: no answer is paid twice, and no paid answer is lost."""

import random
import subprocess
import sys
import time
from collections import Counter

import pytest

from drp.ledger.ledger import open_ledger
from tests.fake_provider import provider
from tests.helpers.repository import ROOT
from tests.teacher.transport.batch.nights import PLAIN, assert_books_agree, night, questions, texts

pytestmark = pytest.mark.services


KILLS, COUNT = 10, 300
NIGHT = "tests.teacher.transport.batch.nights"


def test_ten_kills(tmp_path, capsys):
    chance, path = random.Random(20), tmp_path / "ledger.db"  # noqa: S311
    batches = {"row_s": 0.004, "validating_s": 0.1, "finalizing_s": 0.1}
    faults = {"api": {"reset_after": 0.03, "http_500": 0.03}, "rows": {"row_500": 0.02, "cut": 0.02}}
    with (
        provider(**PLAIN, enqueued_tokens=700, batches=batches, faults=faults, file_delay_s=0.05) as server,
        open_ledger(f"sqlite:///{path}") as ledger,
    ):
        found = Counter[str]()
        for _ in range(KILLS):
            program = [sys.executable, "-m", NIGHT, server.base_url, str(path), str(COUNT)]
            process = subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True)
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == "begins\n"
                time.sleep(chance.uniform(0, 1.5))
            finally:
                process.kill()
                process.wait()
            open_now = ledger.batches(["planned", "uploaded", "submitted", "ended"])
            found.update({f"left {batch.state}" for batch in open_now} or {"left nothing open"})
        with night(server, ledger, enqueued_tokens=600) as last:
            assert len(last.ask(COUNT)) == COUNT
        assert len(texts(last.seen)) == COUNT
        totals, states = server.totals(), Counter(batch.state for batch in _all(ledger))
        with capsys.disabled():
            print(f"\n{KILLS} kills: {dict(found)}; batches {dict(states)}; {totals['billed']} answers")
            print(f"{totals['paid_twice']} paid twice, {totals['billed'] - _landed(ledger)} paid and lost")
        assert_books_agree(server, ledger)
        assert totals["billed"] == COUNT
        whole = {text for text in texts(last.seen) if text in set(questions(COUNT))}
        assert len(whole) > COUNT * 0.9  # the provider cut the others, which are kept as received


def _all(ledger):
    return ledger.batches(["planned", "uploaded", "submitted", "ended", "landed", "abandoned"])


def _landed(ledger):
    return sum(total.landed for total in ledger.totals())
