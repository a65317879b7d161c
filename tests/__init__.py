"""The tests; they mirror the tree."""

from arca import checkout

ROOT = checkout.root()
