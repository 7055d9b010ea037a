"""Numbers from arrays: no files, no plots."""
