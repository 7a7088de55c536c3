"""A provider to test against: an HTTP server that behaves as OpenAI's API does, and keeps its own books.

python -m tests.fake_provider --folder FOLDER, or `with provider(...) as server` (running.py). It answers chat
completions, files and batches, thinks with the heuristic teacher (mind.py), errs when told to (faults.py)
and writes down what it billed (books.py).
"""

from tests.fake_provider.running import Provider, provider

__all__ = ["Provider", "provider"]
