"""``python -m suitor`` is the command."""

from __future__ import annotations

import sys

from suitor.cli import main

if __name__ == "__main__":
    sys.exit(main())
