"""The stages of the night, one file each, in the order of the DAG:

ingest -> plan -> rollout -> decompose -> prune -> gate -> publish -> report

A stage is a function of the night (and a shard): it reads rows, writes parts and a shard file, and does
nothing when that file is there already. `drp nightly` and the DAG call the same functions.
"""
