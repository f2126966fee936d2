"""NIST SP 800-90B (2018): estimators of the min-entropy of a noise source, one a file."""
