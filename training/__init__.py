"""What the three training scripts share and no network needs."""
