"""The command ``fastnn``, also as ``python -m fastnn``."""

import os
import signal
import sys

from fastnn.streams import say


def run() -> int:
    """Run the command line; Ctrl-C is answered in one line from the first import on.

    >>> run.__module__
    'fastnn.__main__'
    """
    try:
        _take_standard_numbers()
        from fastnn.cli.main import main

        return main()
    except KeyboardInterrupt:
        say("fastnn: interrupted")
        return 130
    finally:  # what Python does at its end is ended without a traceback
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)


def _take_standard_numbers() -> None:
    """Open nothing where a standard stream is closed, or a file would get its number.

    What some library prints on standard error would then go into that file: the model.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # takes the lowest number that is free, this one; processes begun from here have it too
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


if __name__ == "__main__":
    sys.exit(run())
