"""The typed surface of the C++ kernels."""
