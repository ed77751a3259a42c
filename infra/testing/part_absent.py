"""Says in the table that a part was not run, and why.

usage: part_absent.py PART FOLDER WHY
"""

import sys
from pathlib import Path

from results import Results

Results(sys.argv[1], Path(sys.argv[2])).not_run("the part as a whole", sys.argv[3])
