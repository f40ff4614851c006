"""The one door to the course: `python3 course.py` (Windows: `py course.py`) lists what it does.

This file is written so that every Python, however old, can read it and say what is missing; the work is in
`door/`.
"""

import os
import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(
        "This course needs Python 3.11, 3.12 or 3.13, and this is Python %d.%d: install one of them "
        "(python.org has them) and call it by its number, for example `python3.13 course.py lab` "
        "(Windows: `py -3.13 course.py lab`)." % sys.version_info[:2]
    )

# PYTHONSAFEPATH and -P leave this folder out of the path.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

if __name__ == "__main__":
    from door.commands import main

    sys.exit(main(sys.argv[1:]))
