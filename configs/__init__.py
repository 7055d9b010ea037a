"""Presets, and what turns make's variables into each script's command line."""
import data  # noqa: F401  (it sets what TensorFlow reads when it is imported)
