"""Smoke tests of a stack from outside, which `arca smoke` and a release run."""
