"""Light: expected counts, sampled detections, attacks."""
