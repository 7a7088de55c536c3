"""Import every module of drp/ and plugins/ and parse every DAG: exit status 1 says which fails.

. infra/airflow.env.sh && python infra/parse_dags.py

Modules that need torch belong to the training environment and are left out where it is not installed.
"""

import importlib
import os
import pkgutil
import platform
import sys

from airflow.dag_processing.dagbag import DagBag

import drp

TRAINING_ONLY = {"torch", "tokenizers", "transformers"}


def main() -> int:
    """Print what was imported and parsed."""
    modules = [module.name for module in pkgutil.walk_packages(drp.__path__, "drp.")]
    imported = 0
    for module in modules:
        try:
            importlib.import_module(module)
            imported += 1
        except ModuleNotFoundError as error:
            if error.name not in TRAINING_ONLY:
                raise
    bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    print(*bag.import_errors.values(), sep="\n", end="", file=sys.stderr)
    print(f"Python {platform.python_version()}: {imported} modules imported, {len(bag.dags)} DAGs parsed")
    return 1 if bag.import_errors or not bag.dags else 0


if __name__ == "__main__":
    sys.exit(main())
