"""`python -m arca`: the command `arca`."""

from arca.cli.main import main

if __name__ == "__main__":
    main()
