"""What would happen today if a configuration were published: looked at on a snapshot, nothing written (CF-80)."""
