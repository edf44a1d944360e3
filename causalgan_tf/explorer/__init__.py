"""The explorer: one page on which a model is asked what it draws under do and given, answered by a local server."""
