"""The seven programs. Each one reads its flags, builds what they describe and calls the library once."""
