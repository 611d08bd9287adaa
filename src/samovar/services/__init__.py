"""The use cases that the APIs, the page and the command line share. Knows nothing of HTTP, terminals or SQL."""
