"""The examination of a maker's box before it is believed."""
