"""Import every module of drp/ and plugins/ and parse every DAG: exit status 1 says which fails.

. infra/airflow.env.sh && python infra/parse.py
"""

import importlib
import os
import pkgutil
import platform
import sys

from airflow.dag_processing.dagbag import DagBag

import drp


def main() -> int:
    """Print what was imported and parsed."""
    modules = [module.name for module in pkgutil.walk_packages(drp.__path__, "drp.")]
    for module in modules:
        importlib.import_module(module)
    bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    print(*bag.import_errors.values(), sep="\n", end="", file=sys.stderr)
    print(f"Python {platform.python_version()}: {len(modules)} modules imported, {len(bag.dags)} DAGs parsed")
    return 1 if bag.import_errors or not bag.dags else 0


if __name__ == "__main__":
    sys.exit(main())
