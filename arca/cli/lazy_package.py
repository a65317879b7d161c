"""Delay the import of a slow package until something in it is used."""

import sys
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any


class _Unloaded(ModuleType):
    """A package whose code runs when the first of its attributes is read."""

    def __getattr__(self, name: str) -> Any:
        # Python calls this only for an attribute that the module does not have yet.
        object.__setattr__(self, "__class__", ModuleType)
        assert self.__spec__ is not None
        assert self.__spec__.loader is not None
        self.__spec__.loader.exec_module(self)
        return getattr(self, name)


def import_on_use(package: str) -> None:
    """Let later `import PACKAGE` statements be free until an attribute of the package is read.

    A package that is imported already stays as it is. Raises ModuleNotFoundError where it is not
    installed.

    The standard library's `importlib.util.LazyLoader` does not help here: the second `import`
    statement of a program reads the module's `__spec__`, and there every read loads the module.
    """
    if package in sys.modules:
        return
    spec = find_spec(package)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    module = module_from_spec(spec)
    object.__setattr__(module, "__class__", _Unloaded)
    sys.modules[package] = module
