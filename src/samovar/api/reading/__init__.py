"""What every dialect reads the same way: bodies, their fields, and what of them is about sampling."""
