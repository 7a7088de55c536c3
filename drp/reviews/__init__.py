"""What people say of revisions: a sample of a night, each with its original, and the verdicts on them.

night = night_of(lake, None)
with closing(open_night(lake, night)) as con:
    chosen = sample(con, night, Selection(), read_by(lake, night, "anna"), count=20)
    pairs = read_pairs(con, chosen, with_originals=True)
record(lake, pairs[0].ref, "anna", judge("severe", "missing_link", None))
publish(lake)                                       # from now on `drp sql "FROM reviews"` has it
"""

from drp.reviews.pairs import PairStep, RevisionPair, RevisionRef, read_pairs
from drp.reviews.sample import Selection, find_revision, night_of, open_night, sample
from drp.reviews.verdicts import Review, publish, read_by, record
from drp.reviews.vocabulary import FAULTS, VERDICTS, Judgement, judge

__all__ = [
    "FAULTS",
    "VERDICTS",
    "Judgement",
    "PairStep",
    "Review",
    "RevisionPair",
    "RevisionRef",
    "Selection",
    "find_revision",
    "judge",
    "night_of",
    "open_night",
    "publish",
    "read_by",
    "read_pairs",
    "record",
    "sample",
]
