"""From files, arrays and data frames to the columns of a table."""
