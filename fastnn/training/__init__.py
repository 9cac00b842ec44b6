"""The one training loop, with its metrics, history and callbacks."""
