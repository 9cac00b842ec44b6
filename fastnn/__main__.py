"""The command ``fastnn``, also as ``python -m fastnn``."""

import sys


def run() -> int:
    """Run the command line; Ctrl-C is answered in one line from the first import on.

    >>> run.__module__
    'fastnn.__main__'
    """
    try:
        from fastnn.cli.main import main

        return main()
    except KeyboardInterrupt:
        print("fastnn: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(run())
