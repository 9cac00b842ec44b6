"""The Keras-like model."""
