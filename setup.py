"""Package metadata and dependency ranges; constraints.txt holds the exact versions that `make` installs.

configs/environment.py reads REQUIREMENTS and EXTRAS, in a Python that may have no setuptools.
"""
# TensorFlow 2.14 is the last release with kernels for the K80 (sm_35); it supports Python 3.9 to 3.11.
REQUIREMENTS = [
    "tensorflow>=2.14.1,<2.15",
    # 0.23 is the last release, made for TensorFlow 2.13 to 2.15. It has no wheel for Linux on Arm, where what needs it
    # says so when it is used.
    "tensorflow-addons>=0.23,<0.24; platform_machine != 'aarch64' or sys_platform != 'linux'",
    "numpy>=1.23.5,<2",
    "opencv-python>=4.8,<4.12",  # 4.12 asks for numpy 2, which TensorFlow 2.14 does not take
    "matplotlib>=3.7",
    "h5py>=3.9",
    "absl-py>=1.4",
    "scikit-image>=0.24,<0.25",  # centre lines of drawn vessels; OpenCV thins in opencv-contrib only
    "scipy>=1.11",  # two-sample tests and distances between sets of features; scikit-image brings it anyway
    # Reads DRIVE's GIF masks, which OpenCV does not, and notices a truncated JPG, which OpenCV fills in silently.
    "Pillow>=10.1",
    "tifffile>=2022.8.12",  # TIFFs whose colours lie in planes, which OpenCV mixes; scikit-image brings it anyway
    "jinja2>=3.1",  # the report's HTML templates, with everything that they are given escaped
]
EXTRAS = {
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
    # One slice of DICOM or NIfTI. pydicom 3, which knows how each kind of colours is shown, needs Python 3.10.
    "medical": ["pydicom>=3.0; python_version >= '3.10'", "nibabel>=5.2"],
}
EXTRAS["dev"] = ["pytest>=8", "pytest-xdist>=3.6", "ruff>=0.6", "scikit-learn>=1.4", *EXTRAS["medical"]]

if __name__ == "__main__":
    from setuptools import find_packages, setup

    rooms = ("data", "training", "stage1_dcgan", "stage2_pix2pix", "unet_eval", "configs")
    setup(
        name="dual-gan",
        version="0.2.0",
        description="Synthetic medical image pairs from two GANs, and the U-Net that says what they are worth",
        license="Apache-2.0",
        packages=find_packages(include=[pattern for room in rooms for pattern in (room, f"{room}.*")]),
        package_data={"configs": ["*/*.flags", "sweeps/*", "cluster/Snakefile"], "unet_eval.report": ["templates/*"],
                      "data.synthmed": ["templates/*"]},
        python_requires=">=3.9,<3.12",
        entry_points={"console_scripts": ["dual-gan = configs.commands:main"]},
        install_requires=REQUIREMENTS,
        extras_require=EXTRAS,
    )
