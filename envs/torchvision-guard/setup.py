"""Puts the .pth file into site-packages, which pyproject.toml alone cannot say."""

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithPth(build_py):
    """Copies torchvision-guard.pth beside the module."""

    def run(self) -> None:
        """Build the module, then copy the file."""
        super().run()
        self.copy_file("torchvision-guard.pth", f"{self.build_lib}/torchvision-guard.pth")


setup(cmdclass={"build_py": BuildWithPth})
