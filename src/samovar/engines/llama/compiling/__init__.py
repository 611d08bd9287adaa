"""Compiling libllama `ik` for the processor of this machine: a job in a process of its own, at low priority.

`python -m samovar.engines.llama.compiling BUILDS` gets the source of the installed version and the tools, compiles,
holds the result against the prebuilt library, and puts it into the folder BUILDS only when it is right. How far it
is goes to standard output (`reports`), all else to standard error. When its standard input ends, so does the job,
and leaves nothing half-made.
"""
