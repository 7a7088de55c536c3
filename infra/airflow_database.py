"""Airflow's database on this machine; run_dags_once.py and services.py prepare it before they use it."""

import logging

from airflow.models.pool import Pool
from airflow.utils.db import initdb
from airflow.utils.session import create_session

POOLS = {
    "gpu": "Stages that need the GPU: as many at a time as there are GPUs.",
    "teacher": "Stages that ask the teacher: as many at a time as its limits allow.",
}


def prepare() -> None:
    """Make or upgrade the tables, and make the pools that are missing (the others keep their size)."""
    logging.disable(logging.INFO)  # migrations narrate every step
    initdb()
    logging.disable(logging.NOTSET)
    with create_session() as session:
        for name, description in POOLS.items():
            if Pool.get_pool(name, session=session) is None:
                Pool.create_or_update_pool(name, 1, description, include_deferred=False, session=session)
