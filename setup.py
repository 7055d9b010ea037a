"""Package metadata and dependency ranges; constraints.txt holds the exact versions that `make` installs."""
from setuptools import setup

setup(
    name="dual-gan",
    version="0.1.0",
    description="Synthetic medical image pairs from two GANs, and the U-Net that says what they are worth",
    license="Apache-2.0",
    packages=["data", "training", "stage1_dcgan", "stage2_pix2pix", "unet_eval"],
    # TensorFlow 2.14 is the last release with kernels for the K80 (sm_35); it supports these versions of Python.
    python_requires=">=3.9,<3.12",
    install_requires=[
        "tensorflow>=2.14.1,<2.15",
        "tensorflow-addons>=0.23,<0.24",
        "numpy>=1.23.5,<2",
        "opencv-python>=4.8,<4.12",  # 4.12 asks for numpy 2, which TensorFlow 2.14 does not take
        "matplotlib>=3.7",
        "h5py>=3.9",
        "absl-py>=1.4",
        "scikit-image>=0.24,<0.25",  # centre lines of drawn vessels; OpenCV thins in opencv-contrib only
        "scipy>=1.11",  # two-sample tests and distances between sets of features; scikit-image brings it anyway
        # Reads DRIVE's GIF masks, which OpenCV does not, and tells a truncated JPG, which OpenCV fills in silently.
        "Pillow>=10.1",
    ],
    extras_require={
        # What tensorflow[and-cuda]==2.14.1 asks for, less its TensorRT, which the registry no longer has.
        "gpu": [
            "nvidia-cublas-cu11==11.11.3.6",
            "nvidia-cuda-cupti-cu11==11.8.87",
            "nvidia-cuda-nvcc-cu11==11.8.89",
            "nvidia-cuda-runtime-cu11==11.8.89",
            "nvidia-cudnn-cu11==8.7.0.84",
            "nvidia-cufft-cu11==10.9.0.58",
            "nvidia-curand-cu11==10.3.0.86",
            "nvidia-cusolver-cu11==11.4.1.48",
            "nvidia-cusparse-cu11==11.7.5.86",
            "nvidia-nccl-cu11==2.16.5",
        ],
        "dev": ["pytest>=8", "ruff>=0.6", "scikit-learn>=1.4"],
    },
)
