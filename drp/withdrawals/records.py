"""Records of what was withdrawn from the corpus, and why: `_withdrawals/<number>.json` in the lake.

A record is created before anything changes, so that ingest and publish know of it at once, and completed at
the end. A record without a version is under way, or was killed: the same command continues it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from drp.core import Question, content_id
from drp.storage import ObjectStore
from drp.withdrawals.affected_rows import Seeds

Kind: TypeAlias = Literal["discard", "remove", "correct"]
FOLDER = "_withdrawals"


@dataclass(frozen=True)
class Withdrawal:
    """One withdrawal: a discarded run, a removed source, or the gold answers that a run has corrected."""

    kind: Kind
    target: str
    """The run, or the source."""
    reason: str
    begun_at: str
    number: int = 0
    """Withdrawals are numbered in the order in which they began."""
    version: int | None = None
    """The first corpus version without the rows; None while the withdrawal is under way."""
    rows: Mapping[str, int] = field(default_factory=dict)
    """Rows that left the current version, by table."""
    runs: Sequence[str] = ()
    """Runs whose own rows were changed."""
    questions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Ids of the questions that were withdrawn, each with the ids of its rollouts."""
    texts: Sequence[str] = ()
    """`text_hash` of the removed questions."""
    corrected: Mapping[str, str] = field(default_factory=dict)
    """Ids of corrected questions, each with the id of the question that replaces it."""
    retired: Sequence[int] = ()
    """Corpus versions that have rows of the removed source."""
    trained: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Of these versions, the recipes that have examples of the removed source."""
    parts: Sequence[str] = ()
    """Keys of the parts of the discarded run."""

    @property
    def name(self) -> str:
        """The name that versions have as their run."""
        return f"{self.kind}-{self.number}"

    @property
    def key(self) -> str:
        """Key of the record in the store."""
        return f"{FOLDER}/{self.number:08d}.json"

    def write(self, store: ObjectStore) -> None:
        """Store the record, replacing its earlier state."""
        store.put(self.key, _json(self))


@dataclass(frozen=True)
class RemovedSources:
    """What ingest refuses: sources that were removed for good, and the questions that they had."""

    sources: Mapping[str, str]
    """Names of sources, each with the reason."""
    texts: Mapping[str, str]
    """`text_hash` of their questions, each with the reason."""

    def refusal(self, source: str, question: Question | None) -> str | None:
        """Return why a row of `source` is refused, or None. `question` is None for an unreadable row."""
        name = next((name for name in self.sources if is_of(source, name)), None)
        if name is not None:
            return f"source {name} was removed from the corpus: {self.sources[name]}"
        if question is not None and (reason := self.texts.get(text_hash(question.question))) is not None:
            return f"the question was removed from the corpus with its source: {reason}"
        return None


def is_of(source: str, name: str) -> bool:
    """Return whether `source` is `name` or lies below it, as `synthetic-1/3/17` below `synthetic-1/3`."""
    return source == name or source.startswith(f"{name}/")


def text_hash(question: str) -> str:
    """Return the hash by which a removed question is recognised, whatever its split and gold answer."""
    return content_id("removed question", " ".join(question.split()))


def withdrawals(store: ObjectStore) -> list[Withdrawal]:
    """Return all records in the order in which the withdrawals began."""
    documents = (store.get(stored.key) for stored in store.listed(FOLDER))
    return [Withdrawal(**json.loads(document)) for document in documents if document]


def open_record(store: ObjectStore, kind: Kind, target: str, make: Callable[[], Withdrawal]) -> Withdrawal:
    """Return the record of this withdrawal that is under way, or else create one with the next number."""
    while True:
        known = withdrawals(store)
        for record in known:
            if (record.kind, record.target, record.version) == (kind, target, None):
                return record
        number = max((record.number for record in known), default=0) + 1
        made = replace(make(), number=number)
        if store.create(made.key, _json(made)):
            return made


def now() -> str:
    """Return the time, for a record."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def removed_sources(store: ObjectStore) -> RemovedSources:
    """Return the sources that were removed, including those whose removal is under way."""
    removed = [record for record in withdrawals(store) if record.kind == "remove"]
    return RemovedSources(
        {record.target: record.reason for record in removed},
        {text: record.reason for record in removed for text in record.texts},
    )


def withdrawn_seeds(records: Sequence[Withdrawal], pending: Sequence[Mapping[str, str]] = ()) -> Seeds:
    """Return what must not be published (again) after these withdrawals and `pending` corrections.

    The last correction counts: a question whose earlier gold answer is restored may be published again.
    """
    gone: dict[str, Sequence[str]] = {}
    for record in records:
        if record.kind == "remove":
            gone |= record.questions
    corrections = [record for record in records if record.kind == "correct"]
    corrected: dict[str, Sequence[str]] = {}
    for pairs, rollouts in [(r.corrected, r.questions) for r in corrections] + [(p, {}) for p in pending]:
        for old, new in pairs.items():
            corrected[old] = rollouts.get(old, ())
            corrected.pop(new, None)
    gone |= corrected
    return Seeds(
        questions=frozenset(gone),
        rollouts=frozenset(rollout for rollouts in gone.values() for rollout in rollouts),
        sources=tuple(record.target for record in records if record.kind == "remove"),
    )


def _json(record: Withdrawal) -> bytes:
    return json.dumps(asdict(record), ensure_ascii=True, sort_keys=True, indent=1).encode()
