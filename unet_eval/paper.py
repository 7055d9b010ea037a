"""What the paper reports: F1 of two arms on the DRIVE test images, and KL divergences of grey levels (Section 9)."""
PAPER = {"f1_real": 0.8988, "f1_synthetic": 0.8877, "kl_synthetic_real": 4.759, "kl_real_real": 4.212e-4}
