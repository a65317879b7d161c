"""What the tests of the pages read in Markdown."""

import re

FENCE = re.compile(r"^ *```[a-z]*\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
"""A fenced block of code; its group is the block's text."""
