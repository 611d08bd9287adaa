"""The APIs that existing clients speak, one file or folder each. All of them are served at once, on one port."""
