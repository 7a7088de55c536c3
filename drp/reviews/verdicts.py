"""Verdicts of people: stored one by one, never changed, and published as the table `reviews`.

A verdict is stored at once as the create-only object `_reviews/<night>/<revision>/<reviewer>-<number>.json`,
so that a reviewer who is interrupted loses nothing. `publish` makes one part of all verdicts on a night and
publishes it behind the pointer `results`, where SQL sees it.

Why in the lake, and not in the database: analysts read the lake alone, S3 included, and a verdict must be
with the revisions that it speaks of. Why behind `results`: a rollback of the corpus takes back no verdict,
and a verdict makes no new version of the corpus. Why not one part a verdict: a session opens every part, and
a manifest names it; a night has one part, however many people read it.

A verdict is superseded by the next one of the same reviewer on the same revision, which has the next number.
Numbers, and not times, decide, because clocks may jump. The table has the whole history.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from drp.core import BadInputError, ReviewFault, ReviewVerdict, RunId, content_id
from drp.lake import DamagedLakeError, Lake, Part, PartsWriter, PublishedPart, Run
from drp.reviews.pairs import RevisionRef
from drp.reviews.vocabulary import Judgement
from drp.storage import WriterLease

FOLDER = "_reviews"
REVIEWER_CHARACTERS = 100
"""The maximum length of a reviewer's name."""


class Review(BaseModel):
    """A verdict of one reviewer on one revision; a row of `reviews`."""

    model_config = ConfigDict(frozen=True)

    revision_id: str
    run_id: str
    recipe: str
    recipe_hash: str
    status: str
    reviewer: str
    number: int
    verdict: ReviewVerdict
    fault: ReviewFault | None
    note: str | None
    reviewed_at: datetime

    @property
    def review_id(self) -> str:
        """The content id."""
        return content_id("review", self.revision_id, self.reviewer, self.number)


def read_by(lake: Lake, night: Run, reviewer: str) -> set[str]:
    """Return the ids of the revisions of a night on which this reviewer has given a verdict."""
    own = _reviewer_key(reviewer)
    keys = (key.split("/") for key in _keys(lake, night.run_id))
    return {revision_id for *_, revision_id, name in keys if name.startswith(f"{own}-")}


def record(lake: Lake, ref: RevisionRef, reviewer: str, judgement: Judgement) -> Review:
    """Store a verdict durably. It is in SQL after the next `publish`.

    If the reviewer's last verdict on the revision is the same, nothing is stored and that one is returned.

    Raises:
        BadInputError: the reviewer's name cannot be used.
        SecondWriterError: another run is writing to a store that ignores conditional writes.
    """
    own = _reviewer_key(reviewer)
    folder = f"{FOLDER}/{ref.run_id}/{ref.revision_id}"
    with _writing(lake, reviewer):
        while True:
            keys = [s.key for s in lake.store.listed(folder) if s.key.startswith(f"{folder}/{own}-")]
            last = _read(lake, keys[-1]) if keys else None
            if last and (last.verdict, last.fault, last.note) == (
                judgement.verdict,
                judgement.fault,
                judgement.note,
            ):
                return last
            review = Review(
                revision_id=ref.revision_id,
                run_id=ref.run_id,
                recipe=ref.recipe,
                recipe_hash=ref.recipe_hash,
                status=ref.status,
                reviewer=reviewer,
                number=last.number + 1 if last else 1,
                verdict=judgement.verdict,
                fault=judgement.fault,
                note=judgement.note,
                reviewed_at=datetime.now(UTC),
            )
            document = review.model_dump_json(ensure_ascii=True).encode()
            if lake.store.create(f"{folder}/{own}-{review.number:04d}.json", document):
                return review


def publish(lake: Lake) -> int:
    """Publish the verdicts on every night that has new ones. Return the number of these nights.

    It may be killed at any point and called again, also by several people at once.
    """
    nights = defaultdict(list)
    for key in _keys(lake):
        nights[key.split("/")[1]].append(key)
    current = {p.run_id: p.fingerprint for p in lake.results.current().parts if p.part.table == "reviews"}
    changed = [
        run_id for run_id, keys in nights.items() if current.get(_publisher(run_id)) != _fingerprint(keys)
    ]
    if changed:
        with _writing(lake, "publication"):
            for run_id in changed:
                _publish_night(lake, run_id)
    return len(changed)


def _publish_night(lake: Lake, run_id: str) -> None:
    publisher = _publisher(run_id)
    while True:
        keys = list(_keys(lake, run_id))
        published = next((p for p in lake.results.current().parts if p.run_id == publisher), None)
        if published is not None and published.fingerprint == _fingerprint(keys):
            return
        part = _write_part(lake, run_id, keys)
        entry = PublishedPart(part, publisher, RunId.parse(run_id).recipe, _fingerprint(keys))
        # If another reviewer published meanwhile, this replaces it; so the keys are compared again.
        lake.results.publish(publisher, [entry])


def _write_part(lake: Lake, run_id: str, keys: list[str]) -> Part:
    with PartsWriter(lake.store, RunId.parse(run_id).date).writing() as writer:
        for key in keys:
            review = _read(lake, key)
            writer.add("reviews", {"review_id": review.review_id, **review.model_dump()})
    return writer.parts[0]


def _read(lake: Lake, key: str) -> Review:
    try:
        return Review.model_validate_json(lake.store.get(key) or b"")
    except ValidationError as error:
        raise DamagedLakeError(
            f"the verdict {lake.store.uri(key)} is damaged",
            state="No other verdict was changed, and none was published",
            next_command="restore this object from a backup or delete it, then run the same command again",
        ) from error


def _keys(lake: Lake, run_id: str = "") -> Iterator[str]:
    return (stored.key for stored in lake.store.listed(f"{FOLDER}/{run_id}".rstrip("/")))


def _fingerprint(keys: list[str]) -> str:
    """Return what tells two states of a night's verdicts apart. Their objects never change."""
    return content_id("reviews", sorted(keys))


def _publisher(run_id: str) -> str:
    """Return the name under which the verdicts on a night are published; it is not the name of a run."""
    return f"reviews of {run_id}"


def _reviewer_key(reviewer: str) -> str:
    """Return the reviewer's name as a part of a key.

    Raises:
        BadInputError: the name is empty or too long, or has characters that cannot be shown.
    """
    if not reviewer.strip() or not reviewer.isprintable() or len(reviewer) > REVIEWER_CHARACTERS:
        raise BadInputError(
            f"{reviewer!r} cannot be the name of a reviewer: "
            f"it must have 1 to {REVIEWER_CHARACTERS} printable characters",
            state="No verdict was stored",
            next_command="set DRP_REVIEWER, or use --reviewer NAME",
        )
    return hashlib.blake2b(reviewer.encode(), digest_size=8).hexdigest()


@contextmanager
def _writing(lake: Lake, who: str) -> Iterator[None]:
    """Hold the writer's lease, if the store needs it, for one write: a night may start between two."""
    lease = WriterLease(lake.store, f"review by {who}")
    lease.acquire()
    try:
        yield
    finally:
        lease.release()
