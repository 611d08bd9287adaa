"""SQLite and files of the home folder: conversations as trees of messages, verdicts about models, the lock.

The only package that speaks SQL. Knows nothing of models, prompts, HTTP or who asks.
"""
