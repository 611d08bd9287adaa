"""Running a model: the worker process with its scheduler and generation loop, and the front's grip on it."""
