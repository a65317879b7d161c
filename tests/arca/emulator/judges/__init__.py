"""Tests of the judges that work while a stack comes up."""
