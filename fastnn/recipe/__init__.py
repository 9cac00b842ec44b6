"""What to train and how to run it: the table of options, checked once."""
