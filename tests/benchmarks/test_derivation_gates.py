"""The table of what the checks find in a set of planted faults."""

import json
from pathlib import Path

import pytest

from benchmarks.derivation_gates import print_planted

QUESTION = "Mia packs 14 boxes with 17 pears each and gives away 23 pears. How many pears has Mia left?"
SOUND = "There are 14 * 17 = 238 pears. After giving some away, Mia has 238 - 23 = 215 pears."


def line(kind: str, subkind: str, split: str, revised: str, response: str = "\\boxed{215}") -> str:
    item = {
        "kind": kind,
        "subkind": subkind,
        "split": split,
        "question": QUESTION,
        "response": "\\boxed{215}",
    }
    item |= {"original_thinking": f"{SOUND} Hm.", "revised_thinking": revised, "revised_response": response}
    return json.dumps(item)


def test_recall_and_alarms_are_counted_for_each_split(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "planted.jsonl"
    lines = [
        line("contradiction", "result", "tune", SOUND.replace("= 215", "= 225")),
        line("contradiction", "result", "tune", SOUND),
        line("contradiction", "summary", "test", SOUND, "So the answer is 225. \\boxed{215}"),
        line("sound", "unchanged", "test", SOUND),
        line("sound", "unchanged", "test", "So it is 215."),
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    print_planted(path)
    rows = {tuple(row.split()[:2]): row.split()[2:] for row in capsys.readouterr().out.splitlines()[1:]}
    assert rows["contradiction", "result"] == ["2", "50.0%", "50.0%", "0", "0.0%", "0.0%"]
    assert rows["contradiction", "summary"] == ["0", "0.0%", "0.0%", "1", "100.0%", "100.0%"]
    assert rows["sound", "all"] == ["0", "0.0%", "2", "50.0%"]
    assert rows["alarms", "on"] == ["sound", "hollow", "0.0%", "50.0%"]
