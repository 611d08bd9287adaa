"""How models write tool calls, one file a format, and which format a chat template belongs to."""
