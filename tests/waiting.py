"""How long a test waits for what a hang would never bring: one number for all of them.

It says nothing about speed. A machine with seven times the work that it can do must pass, so no
test has a shorter limit of its own (tests/test_waiting.py), and none compares measured times.
"""

#: Seconds without any progress after which a test calls it a hang.
HANG = 1800.0
