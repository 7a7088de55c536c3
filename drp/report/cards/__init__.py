"""Cards: a README.md in the form of model and dataset cards, for a checkpoint and for an exported dataset."""

from drp.report.cards.checkpoint_card import card_key, checkpoint_card, with_flags
from drp.report.cards.dataset_card import dataset_card
from drp.report.cards.provenance import ChosenExamples, read_provenance

__all__ = [
    "ChosenExamples",
    "card_key",
    "checkpoint_card",
    "dataset_card",
    "read_provenance",
    "with_flags",
]
