"""A real browser for tests of pages: Chromium, where this machine has one."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
needs_chromium = pytest.mark.skipif(
    not Path(CHROMIUM).exists(), reason="there is no Chromium on this machine"
)


def measure(page: str, script: str, folder: Path, *flags: str) -> Any:
    """Return what a script, an expression, is in a page that a real browser has laid out."""
    folder.mkdir()
    path = folder / "page.html"
    told = f"<script>document.title = 'MEASURED' + JSON.stringify({script})</script>"
    path.write_text(page.replace("</body>", f"{told}</body>"), encoding="utf-8")
    done = subprocess.run(
        [
            CHROMIUM,
            *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update"),
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={folder / 'profile'}",
            "--virtual-time-budget=5000",
            *flags,
            "--dump-dom",
            path.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    found = re.search(r"<title>MEASURED(.*?)</title>", done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    return json.loads(found[1].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
