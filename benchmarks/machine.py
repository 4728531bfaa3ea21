"""What this machine can do at most, beside which times are judged: matrix products, copies in memory."""

import statistics
from functools import cache

import numpy as np
import torch
from comparison import seconds

SIDE = 2048
COPIED = 2**28


@cache
def matmul(dtype: torch.dtype = torch.float32, rounds: int = 7) -> float:
    """FLOPs a second of a product of square matrices, the median of some rounds."""
    where = "cuda" if torch.cuda.is_available() else "cpu"
    a, b = (torch.randn(SIDE, SIDE, device=where).to(dtype) for _ in range(2))
    a @ b
    return 2 * SIDE**3 / statistics.median(seconds(lambda: a @ b) for _ in range(rounds))


@cache
def copy(rounds: int = 7) -> float:
    """Bytes a second that are copied in main memory, read and written counted once."""
    source = np.ones(COPIED, np.uint8)
    target = np.empty_like(source)
    np.copyto(target, source)
    return COPIED / statistics.median(seconds(lambda: np.copyto(target, source)) for _ in range(rounds))


def share(flops: float, took: float) -> str:
    """How much of the rate of matrix products was reached."""
    return (
        f"{flops / 1e9:,.1f} GFLOP at {100 * flops / took / matmul():.0f} % of {matmul() / 1e9:,.0f} GFLOP/s"
    )


def main() -> None:
    """Print both rates."""
    print(f"{matmul() / 1e9:,.0f} GFLOP/s in fp32, {matmul(torch.bfloat16) / 1e9:,.0f} in bf16")
    print(f"{copy() / 1e9:.1f} GB/s copied")


if __name__ == "__main__":
    main()
