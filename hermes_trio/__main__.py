"""``python -m hermes_trio``: the same command as ``hermes-trio``."""

from hermes_trio.cli.main import main

if __name__ == "__main__":
    main()
