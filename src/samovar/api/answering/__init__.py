"""What every dialect does the same way once a request is understood: ask, follow the answer, write it out."""
