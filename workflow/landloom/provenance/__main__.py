"""``python -m landloom.provenance PATH`` prints the digest of a file or folder."""

import sys
from pathlib import Path

from landloom.provenance.records import digest

if __name__ == "__main__":
    print(digest(Path(sys.argv[1])))
