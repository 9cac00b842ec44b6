"""What the emulated GPU is built from, as one number: another one means that it must be built."""

import hashlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = {".cpp", ".h", ".cuh", ".py"}


def digest() -> str:
    """Return a number of these files' place and contents."""
    found = hashlib.sha256(str(HERE).encode())
    for path in sorted(path for path in HERE.rglob("*") if path.suffix in SOURCES):
        found.update(path.read_bytes())
    return found.hexdigest()


def why_not_of_these(folder: Path) -> str:
    """Why what is built in a folder must not be used; an empty text when it is of these files."""
    built = folder / "built-from"
    if not built.exists():
        return "it is made by ./scripts/test or ./scripts/emulator"
    if built.read_text(encoding="utf-8") != digest():
        return "it was built from other files; ./scripts/test or ./scripts/emulator builds it again"
    return ""
