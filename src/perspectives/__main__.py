"""The command line of every step: `python -m perspectives STUDY STEP --help`."""

import sys

from perspectives.workbench.step import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
