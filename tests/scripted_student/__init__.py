"""A student for tests that want a night without a model: a script that reasons about generated problems.

It answers over HTTP, as `vllm serve` does; `server.scripted` are the keys of a recipe that asks it.
"""
