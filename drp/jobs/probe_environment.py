"""Job: say which packages and GPUs an environment has. Runs in each environment."""

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from drp.jobs.checks import GPU, HealthCheck, write_checks
from drp.jobs.runner import read_job_document

_GIB = 2**30


def main() -> None:
    """Write one check for the packages that the document names, and one for each GPU."""
    with read_job_document() as job:
        write_checks(Path(job["out"]), [_packages(job["environment"], job["packages"]), *_gpus()])


def _packages(name: str, packages: list[str]) -> HealthCheck:
    missing = [package for package in packages if not find_spec(package)]
    if missing:
        return HealthCheck(name, "failed", f"it lacks {', '.join(missing)}")
    return HealthCheck(name, "ok", ", ".join(f"{package} {_version(package)}" for package in packages))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # such as vLLM's build for the CPU, whose distribution has another name
        return "of unknown version"


def _gpus() -> list[HealthCheck]:
    if not find_spec("torch"):
        return []
    import torch

    properties = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    return [HealthCheck(GPU, "ok", f"{gpu.name}, {gpu.total_memory / _GIB:.0f} GiB") for gpu in properties]


if __name__ == "__main__":
    main()
