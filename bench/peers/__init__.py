"""What `bench/serve_vs_peers.py` is made of: one client for both sides, the sides, the rows, the report."""
