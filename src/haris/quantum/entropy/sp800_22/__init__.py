"""NIST SP 800-22 rev. 1a (2010): fifteen statistical tests of bits, one a file, and a verdict over many sequences."""
