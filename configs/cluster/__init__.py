"""Runs the steps of a plan (configs/chain.py) on a cluster."""
