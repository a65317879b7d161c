"""An emulated AWS on this machine, in which the program's stacks come up."""
