"""A scripted student for tests that need a run without a model: it writes reasoning about generated problems.

It answers over HTTP like `vllm serve`; `server.scripted` returns the keys of a recipe that uses it.
"""
