"""Every test works on one thread, so that tests side by side do not fight for cores."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
