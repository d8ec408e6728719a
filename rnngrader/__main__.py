"""`python -m rnngrader` is the `rnngrader` command."""

import sys

from rnngrader.cli import main

sys.exit(main())
