"""Batches: a file of loans that is read, checked row by row, scored in the background, stored and written again."""
