"""How long a test waits for what a hang would never bring, and a command that says how far it is.

The first is one number for all of them.

It says nothing about speed. A machine with seven times the work that it can do must pass, so no
test has a shorter limit of its own (tests/test_waiting.py), and none compares measured times.
"""

import sys

#: Seconds without any progress after which a test calls it a hang.
HANG = 1800.0

#: The command `fastnn`, which says every epoch, not one every few seconds: a test can wait for one.
SAYING_EVERY_EPOCH = [
    sys.executable, "-c",
    "import sys\nfrom fastnn.__main__ import run\nfrom fastnn.training import callbacks\n"
    "callbacks.SECONDS = 0\nsys.exit(run())",
]  # fmt: skip
