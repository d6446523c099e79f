"""Environments of their own that tests install other people's programs into."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

QUIET = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def installed(folder: Path, program: str, *packages: str, seconds: float = 800) -> Path:
    """The bin folder of the environment in `folder`, made with `packages` where `program` is not in it yet.

    uv takes a fifth of pip's processor time. pip does it where uv is not there or cannot, for example with an index that
    only pip's own settings name. Raises CalledProcessError and TimeoutExpired.
    """
    bin_folder = folder / "bin"
    if (bin_folder / program).exists():
        return bin_folder
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = str(bin_folder / "python")
    uv = Path(sys.executable).parent / "uv"
    if uv.exists():
        words = [str(uv), "pip", "install", "--python", python, *packages]
        try:
            subprocess.run(words, timeout=seconds, **QUIET)
            return bin_folder
        except subprocess.CalledProcessError:
            pass  # what is wrong for both, pip says
    subprocess.run([python, "-m", "ensurepip"], **QUIET)
    # Not compiled: a program loads, and so compiles, a part of what pip would.
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-compile", *packages]
    subprocess.run(pip, timeout=seconds, **QUIET)
    return bin_folder
