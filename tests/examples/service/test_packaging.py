"""What the example declares, held against what it imports and what is pinned."""

import ast
import re
import tomllib
from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import ROOT

EXAMPLE = ROOT / "examples" / "service"
PROVIDES = {
    "asn1crypto": "asn1crypto",
    "boto3": "boto3",
    "botocore": "boto3",
    "cryptography": "cryptography",
    "defusedxml": "defusedxml",
    "httpx": "httpx",
    "jwt": "pyjwt",
    "opentelemetry": "opentelemetry-api",
    "opentelemetry.exporter": "opentelemetry-exporter-otlp-proto-http",
    "opentelemetry.sdk": "opentelemetry-sdk",
    "psycopg": "psycopg",
    "psycopg_pool": "psycopg-pool",
    "redis": "redis",
    "starlette": "starlette",
    "uvicorn": "uvicorn",
}
"""The distribution of each module; opentelemetry's share one name."""
OURS = {"agency", "invoicing"}


def imported(package: str) -> Iterator[str]:
    """Yield the distributions that a package imports, except for types alone."""
    import sys

    for path in (EXAMPLE / package).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            for module in modules:
                top = module.partition(".")[0]
                if top in sys.stdlib_module_names | OURS | {"mypy_boto3_s3"}:
                    continue
                two = ".".join(module.split(".")[:2])
                yield PROVIDES.get(two) or PROVIDES[top]


def declared() -> tuple[set[str], set[str]]:
    """Return what the package needs, and what the double needs besides."""
    text = (EXAMPLE / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    extra = project["optional-dependencies"]["agency"]
    return names(project["dependencies"]), names(extra)


def names(lines: list[str]) -> set[str]:
    """Return the distributions of requirements."""
    return {
        canonicalize_name(Requirement(line).name) for line in lines if line and line[0] not in "#-"
    }


def locked(path: str) -> set[tuple[str, str]]:
    """Return the versions of a lock file."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return set(re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;]+)", text, re.MULTILINE))


def test_the_packages_declare_what_they_import_and_nothing_else() -> None:
    """The image has nothing of the double."""
    needed, extra = declared()
    assert set(imported("invoicing")) == needed
    assert set(imported("agency")) - needed == extra


def test_the_image_installs_what_is_declared_and_was_tested() -> None:
    """With the runner's own dependencies; each version is the development lock's."""
    text = (ROOT / "packages" / "arca-migrate" / "pyproject.toml").read_text(encoding="utf-8")
    runner = names(tomllib.loads(text)["project"]["dependencies"])
    lines = (EXAMPLE / "requirements.in").read_text(encoding="utf-8").splitlines()
    assert names(lines) == declared()[0] | runner
    assert len(locked("examples/service/requirements.txt")) > 30
    assert locked("examples/service/requirements.txt") <= locked("requirements-dev.txt")
