"""Who reaches whom in a stack: pure functions over a recorded graph."""
