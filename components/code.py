"""Code that AWS runs for the platform, as a zip whose bytes depend on the files alone."""

import base64
import io
import zipfile
from collections.abc import Mapping
from importlib.resources import files


def source(path: str) -> str:
    """Return the text of a file in the package `arca`, by its path there."""
    return files("arca").joinpath(path).read_text(encoding="utf-8")


def zipped(files: Mapping[str, str]) -> str:
    """Return the files as a zip in base64, sorted and without times: equal files, equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return base64.b64encode(buffer.getvalue()).decode()
