"""Model files: find, download, verify and keep them, and say whether they fit into memory.

Knows headers and folders, not engines and not HTTP servers; progress goes out through callbacks.
"""
