"""Reports of nights and training runs, and pages to review revisions, as self-contained HTML pages."""

__all__ = ["nightly", "review_page", "training"]
