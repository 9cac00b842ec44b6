"""The version of fastnn, on the lowest floor so that every room can use it."""

__version__ = "0.1.0"
