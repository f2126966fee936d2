"""The five acts: a laboratory of three sites on one machine."""
