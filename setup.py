"""The package causalgan-tf and its seven commands."""

import pathlib
import re

from setuptools import find_packages, setup

PROGRAMS = ("train", "sample", "query", "evaluate", "export", "graph", "explore")


def version() -> str:
    """The version that causalgan_tf states, read without importing it."""
    text = pathlib.Path(__file__).with_name("causalgan_tf").joinpath("__init__.py").read_text(encoding="utf-8")
    return re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)[1]


setup(
    name="causalgan-tf",
    version=version(),
    description="Causal implicit generative models of labels and images: CausalGAN (arXiv:1709.02023) in TensorFlow",
    long_description=pathlib.Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="The causalgan_tf authors",
    project_urls={"Paper": "https://arxiv.org/abs/1709.02023"},
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Scientific/Engineering :: Image Processing",
    ],
    license="MIT",
    license_files=["LICENSE"],
    packages=find_packages(include=["causalgan_tf", "causalgan_tf.*"]),
    package_data={
        "causalgan_tf": ["py.typed", "builtin/*/*.json", "builtin/*/*.npz"],
        "causalgan_tf.explorer": ["static/*"],
        "causalgan_tf.reporting": ["*.j2"],
    },
    python_requires=">=3.10,<3.14",
    install_requires=[
        "absl-py>=2.1",
        "importlib_resources>=6.0",  # tensorflow-datasets needs it for celeb_a and does not say so
        "jinja2>=3.1",
        "keras>=3.12,<3.16",
        "matplotlib>=3.8",
        "networkx>=3.1",
        "numpy>=1.26",
        "pandas>=2.1",
        "Pillow>=10.1",
        "scikit-learn>=1.3",
        "scipy>=1.11",
        "tensorboard>=2.19",  # TensorFlow 2.21 no longer brings it
        "tensorflow>=2.20,<2.22",
        "tensorflow-datasets>=4.9.9",
        "threadpoolctl>=3.1",  # scikit-learn brings it
        "tqdm>=4.66",
    ],
    extras_require={
        "beam": ["apache-beam>=2.70"],  # tools/at_scale; it asks for protobuf below 7, which TensorFlow takes as well
        "docs": ["mkdocs>=1.6,<2", "mkdocs-material>=9.5", "mkdocstrings[python]>=0.27"],
        "examples": ["ipykernel>=6", "jupytext>=1.16", "nbclient>=0.10"],
        "excel": ["openpyxl>=3.1"],
        "explore": ["starlette>=0.40", "uvicorn>=0.30"],
        "litert": ["ai-edge-litert>=2"],  # of tests alone: TensorFlow has the converter
        "onnx": ["onnx>=1.17", "onnxruntime>=1.20", "tf2onnx>=1.17"],
        "parquet": ["pyarrow>=15"],
        "serving": ["requests>=2.31", "tensorflow-serving-api>=2.20,<2.22"],
        "test": ["hypothesis>=6.100", "pytest>=8.0", "pytest-xdist>=3.6", "ruff>=0.9", "selenium>=4.20"],
    },
    entry_points={"console_scripts": [f"causalgan-{name} = causalgan_tf.cli.{name}:program" for name in PROGRAMS]},
)
