"""The command line: one file a command, each one typed function. Knows terminals, options and exit codes; what a
command does is asked of `services` and `hub`."""
