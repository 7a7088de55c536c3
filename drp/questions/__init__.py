"""Sources of questions: imported files and generated word problems."""

__all__ = ["generators", "importers"]
