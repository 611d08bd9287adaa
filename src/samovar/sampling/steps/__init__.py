"""One file a step, found by its name: `steps/top_k.py` holds `STEP`, whose name is "top_k"."""
