"""Tests, in folders as the rooms have them, and bench/, which `make bench` calls."""
import data  # noqa: F401  (it sets what TensorFlow reads when it is imported)
