"""The C functions of rnnlib.fast, built where there is a compiler for them and left out where there is none.

Each type and register size of kernels.c is a library of its own, chosen at run time. RNNLIB_FUSED=0 leaves all of them
out.
"""

import os
import platform

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

REGISTERS = {"any": []}
if platform.machine().lower() in ("x86_64", "amd64"):
    REGISTERS = {"avx512": ["-mavx512f", "-mprefer-vector-width=512"], "avx2": ["-mavx2", "-mfma"]}


class BuildLibraries(build_ext):
    """Names a library so that Python does not take it for a module: kernels_float_avx2 is kernels.float.avx2.so."""

    def get_ext_filename(self, fullname):
        *package, name = fullname.split(".")
        return os.path.join(*package, name.replace("_", ".") + ".so")


libraries = [
    Extension(
        f"rnnlib.fast.kernels_{real}_{registers}",
        ["rnnlib/fast/kernels.c"],
        define_macros=[("REAL", real)],
        extra_compile_args=["-O3", "-fno-math-errno", "-fno-trapping-math", *flags],
        optional=True,
    )
    for real in ("float", "double")
    for registers, flags in REGISTERS.items()
]
libraries.append(
    Extension("rnnlib.fast.online_double", ["rnnlib/fast/online.c"], extra_compile_args=["-O3"], optional=True)
)
if os.environ.get("RNNLIB_FUSED") == "0":
    libraries = []
setup(ext_modules=libraries, cmdclass={"build_ext": BuildLibraries})
