"""Every door: train, train_many, search, the Keras-like Sequential, the estimators."""
