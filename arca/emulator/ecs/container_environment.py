"""The environment of a container: which variables a process on this machine may get from it.

A stand-in runs as the operator. A variable that decides which code a program loads or runs would
let whoever registers a task definition run code here.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from arca.emulator.ecs.api import SIMULATED, structures

RESERVED_PREFIXES = ("PYTHON", "LD_", "DYLD_", "BASH_FUNC_", "GIT_", "ARCA_LOCAL_")
RESERVED_NAMES = frozenset(
    {
        # Where programs, files and helpers are found.
        *("PATH", "HOME", "SHELL", "BROWSER", "PAGER", "EDITOR", "VISUAL", "VIRTUAL_ENV"),
        *("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CONFIG_DIRS", "XDG_DATA_DIRS"),
        # What a shell reads or runs.
        *("IFS", "ENV", "BASH_ENV", "SHELLOPTS", "BASHOPTS", "CDPATH", "PS4", "PROMPT_COMMAND"),
        # What the C library loads.
        *("GCONV_PATH", "GLIBC_TUNABLES", "LOCPATH", "NLSPATH"),
        # What other languages load.
        *("PERLLIB", "PERL5LIB", "PERL5OPT", "PERL5DB", "RUBYLIB", "RUBYOPT"),
        *("NODE_OPTIONS", "NODE_PATH"),
        *("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH"),
        *("OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES"),
    }
)


def is_reserved(name: str) -> bool:
    """Return whether a container may not set the variable."""
    return name in RESERVED_NAMES or name.startswith(RESERVED_PREFIXES)


def container_variables(*containers: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables of a container and of its override, the later ones first in rank."""
    return {
        str(one.get("name", "")): str(one.get("value", ""))
        for container in containers
        for one in structures(container, "environment")
    }


def refusal(containers: Iterable[Mapping[str, Any]]) -> str | None:
    """Return why the containers' variables are refused; None if all are accepted."""
    for container in containers:
        secret = {str(one.get("name", "")): "" for one in structures(container, "secrets")}
        for name, value in {**secret, **container_variables(container)}.items():
            where = f"the container {container.get('name')}"
            if is_reserved(name):
                return (
                    f"The variable {name} of {where} is reserved: it decides which code a process "
                    f"on this machine runs. Remove it, or choose another name {SIMULATED}."
                )
            if not name or "=" in name or "\0" in name + value:
                return f"The variable {name!r} of {where} cannot be set in a process {SIMULATED}."
    return None
