"""Messages to prompt parts through the model's own chat template, token bytes back to text that may be shown, and
the watch for loops in that text.

Knows nothing of tokens' ids, engines or requests: text in, text out. Nothing is imported here: who watches for
loops need not wait for the template engine.
"""
