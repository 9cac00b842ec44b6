"""The emulator's modules run in an environment of their own, and are no tests."""

collect_ignore = ["emulator"]
