import pytest

from lesionseg.core.kernels import KernelClass, kernel_class


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [("D40s", KernelClass.SOFT), ("B70f", KernelClass.SHARP), ("Br36d\\3", KernelClass.SOFT),
     ("Bl57d", KernelClass.SHARP), ("STANDARD", KernelClass.SOFT), ("LUNG", KernelClass.SHARP),
     ("BONEPLUS", KernelClass.SHARP), ("FC08", KernelClass.SOFT), ("FC52", KernelClass.SHARP),
     ("B", KernelClass.SOFT), ("YC", KernelClass.SHARP), ("", KernelClass.UNKNOWN),
     ("PHANTOM", KernelClass.UNKNOWN)],
)  # fmt: skip
def test_kernels_are_classed_by_vendor_name(kernel: str, expected: KernelClass) -> None:
    assert kernel_class(kernel) is expected


@pytest.mark.parametrize(
    "kernel", ["B70f", "B60s", "Bl57d\\3", "I70f\\2", "LUNG", "BONEPLUS", "FC51", "FC86", "YC", "L"]
)
def test_sharp_kernels_are_known(kernel):
    assert kernel_class(kernel) is KernelClass.SHARP


@pytest.mark.parametrize(
    "kernel", ["", "B31f", "Br36", "D40s", "STANDARD", "SOFT", "CHST", "FC08", "B", "C", "unheard of"]
)
def test_other_kernels_are_not_called_sharp(kernel):
    assert kernel_class(kernel) is not KernelClass.SHARP
