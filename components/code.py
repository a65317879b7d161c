"""Code that AWS runs for us, as a zip that is the same wherever it is made."""

import base64
import io
import zipfile
from collections.abc import Mapping
from importlib.resources import files


def source(path: str) -> str:
    """The text of a file of the package `arca`, by its path in it."""
    return files("arca").joinpath(path).read_text(encoding="utf-8")


def zipped(files: Mapping[str, str]) -> str:
    """The files as a zip in base64: by name, without times, so that only a change is one."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return base64.b64encode(buffer.getvalue()).decode()
