"""Operation of ARCA API's infrastructure: the command `arca` and what it is made of."""
