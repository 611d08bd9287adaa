"""Values, events, errors and contracts that every other package shares.

Knows nothing of models, files, HTTP or SQLite: only the standard library and msgspec are imported here
(numpy's array type is named in annotations of the engine contract, never imported at run time).
"""
