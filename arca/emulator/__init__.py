"""An emulated AWS on this machine, and the program run onto it."""
