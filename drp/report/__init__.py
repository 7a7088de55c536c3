"""Reports of nights and training runs, as self-contained HTML pages."""

__all__ = ["nightly", "training"]
