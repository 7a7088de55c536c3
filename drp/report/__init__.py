"""Reports of nights and training runs, as pages that need no network."""

__all__ = ["nightly", "training"]
