"""Procedural data sets: retinas and cells that look like the real ones, drawn by code."""
