"""Find the questions whose gold answer a file corrects: the same split and text, with another answer."""

import hashlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

import pyarrow as pa

from drp.core import Question
from drp.lake import Addresses
from drp.query import open_session

MEMORY = "256MB"

_SAME_TEXT = """
SELECT question_id, dataset, split, question, old.source, new_id, gold,
       old.source = $source OR part IN (SELECT part FROM own) AS is_corrected
FROM questions old
JOIN (SELECT text, min(id) AS new_id, arg_min(gold, id) AS gold FROM seen GROUP BY text) new
  ON new.text = unhex(md5(split || chr(30) || question))
WHERE question_id NOT IN (SELECT id FROM seen)
ORDER BY question_id
"""


@dataclass(frozen=True)
class OtherAnswer:
    """A question in the lake to which a file gives another gold answer."""

    old: Question
    """The question in the lake, with an empty gold answer."""
    new: Question
    is_corrected: bool
    """Whether the file replaces it: both are from a file of the same name, or from the same run."""


@dataclass
class SeenQuestions:
    """The questions of one file, 100 to 200 bytes each, beside those that the lake has already."""

    known: Addresses
    """Parts of the lake."""
    _ids: list[str] = field(default_factory=list)
    _texts: list[bytes] = field(default_factory=list)
    _golds: list[str] = field(default_factory=list)
    _source: str = ""

    def add(self, question: Question) -> None:
        """Add a question of the file."""
        text = f"{question.split}\x1e{question.question}".encode()
        self._ids.append(question.question_id)
        self._texts.append(hashlib.md5(text, usedforsecurity=False).digest())
        self._golds.append(question.gold_answer)
        self._source = question.source

    def other_answers(self, own: Sequence[str]) -> list[OtherAnswer]:
        """Return the questions in the lake with the text of one of these, but another gold answer.

        Args:
            own: addresses of the parts of `questions` that the same run has written.
        """
        if not self._ids:
            return []
        seen = {
            "id": pa.array(self._ids),
            "text": pa.array(self._texts, pa.binary()),
            "gold": pa.array(self._golds),
        }
        questions = {"questions": self.known.get("questions", ())}
        with closing(
            open_session(questions, with_part=True, views=None, memory_limit=MEMORY, threads=2)
        ) as con:
            con.register("seen", pa.table(seen))
            con.register("own", pa.table({"part": pa.array(own, pa.string())}))
            rows = con.execute(_SAME_TEXT, {"source": self._source}).fetchall()
        return [
            OtherAnswer(
                Question(old_id, dataset, split, text, "", source),
                Question(new_id, dataset, split, text, gold, self._source),
                is_corrected,
            )
            for old_id, dataset, split, text, source, new_id, gold, is_corrected in rows
        ]
