"""A fake provider for tests: an HTTP server that behaves like OpenAI's API and records what it bills.

Start it with `python -m tests.fake_provider --folder FOLDER` or `with provider(...) as server` (running.py).
It serves chat completions, files and batches. The heuristic teacher computes the replies (reply_text.py).
Faults are injected on request (faults.py), and every billed completion is recorded (billing.py).
"""

from tests.fake_provider.running import Provider, provider

__all__ = ["Provider", "provider"]
