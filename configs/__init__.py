"""Presets, and what turns make's variables into each script's command line."""
