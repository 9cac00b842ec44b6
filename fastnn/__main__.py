"""Run the command line as ``python -m fastnn``."""

import sys

from fastnn.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
