"""The four programs. Each one reads its flags, builds a configuration and calls the library once."""
