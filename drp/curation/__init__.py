"""Curations: which examples a student is fine-tuned on, from the corpus or for a control arm."""

from drp.curation.candidates import read_candidates
from drp.curation.curations import Candidate, Curation, best_of_n, drp_revisions, random_prune, unpruned_sft
from drp.curation.examples import Example

__all__ = [
    "Candidate",
    "Curation",
    "Example",
    "best_of_n",
    "drp_revisions",
    "random_prune",
    "read_candidates",
    "unpruned_sft",
]
