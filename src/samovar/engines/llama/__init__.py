"""libllama in process, two builds of it behind one face: `ik` and `mainline`.

`opening` loads a model; `ladder`, `faults`, `cpu` and `builds` say which ways to compute are worth trying
and import neither numpy nor ctypes, so that the front may ask them.
"""
