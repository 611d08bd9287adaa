"""HTTP: the app, the door in front of it, the page's own API and the dialects of other servers.

Knows how requests and answers look on the wire, and nothing of models, prompts or storage: those are asked of
`services` through its contracts.
"""
