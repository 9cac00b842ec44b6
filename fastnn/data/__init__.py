"""The columns of a table, what their cells mean, and the way to the rows of a network."""
