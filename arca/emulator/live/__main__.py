"""`python -m arca.emulator.live`: the process of the living cloud."""

from arca.emulator.live.supervisor import main

if __name__ == "__main__":
    main()
