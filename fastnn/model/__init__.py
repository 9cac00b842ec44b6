"""A trained model as one thing: network, preprocessing, labels, history."""
