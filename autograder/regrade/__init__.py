"""Grade a whole class again: an export in, results, gradebooks and a report out."""
