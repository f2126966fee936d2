"""How every property is tried: from fixed seeds, and without a clock, for a busy machine is no failure."""

from hypothesis import settings

settings.register_profile("haris", deadline=None, derandomize=True)
settings.load_profile("haris")
