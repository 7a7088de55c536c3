"""Where questions come from: imported files and generated word problems."""

__all__ = ["generators", "importers"]
