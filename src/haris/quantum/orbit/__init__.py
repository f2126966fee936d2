"""Satellites and where they stand in the sky: elements, propagation, stations, the Sun, passes."""
