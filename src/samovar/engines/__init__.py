"""Ways to run a model, each behind the contract of `core.engine`; `registry` opens one by name."""
