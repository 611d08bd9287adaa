"""/metrics: what the server does, for Prometheus. Counts requests itself and asks the services for the rest."""
