"""Weight files: recognise them, read their headers, check every bound before C++ sees the file.

Knows bytes on disk, not engines: whether an architecture can be run is the engine's business.
"""
