"""Curations select the examples for fine-tuning a student, from the corpus or for a control arm."""

from drp.curation.best_of_n import best_of_n
from drp.curation.candidates import candidate_sources, read_candidates
from drp.curation.dataset_export import Layout, columns_of, export_examples
from drp.curation.drp_revisions import drp_revisions
from drp.curation.protocol import Candidate, Curation, make_example
from drp.curation.random_prune import random_prune
from drp.curation.summary_only import summary_only
from drp.curation.training_example import Example
from drp.curation.truncate import truncate_head, truncate_tail
from drp.curation.unpruned_sft import unpruned_sft

__all__ = [
    "Candidate",
    "Curation",
    "Example",
    "Layout",
    "best_of_n",
    "candidate_sources",
    "columns_of",
    "drp_revisions",
    "export_examples",
    "make_example",
    "random_prune",
    "read_candidates",
    "summary_only",
    "truncate_head",
    "truncate_tail",
    "unpruned_sft",
]
