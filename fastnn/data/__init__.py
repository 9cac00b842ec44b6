"""From files and data frames to arrays: reading, splitting, preprocessing, batches."""
