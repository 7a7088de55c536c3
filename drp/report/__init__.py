"""Reports of nights and training runs, pages to review revisions, and cards of checkpoints and datasets."""

__all__ = ["cards", "nightly", "review_page", "training"]
