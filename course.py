"""The command line of the course: `python3 course.py` (Windows: `py course.py`) lists what it does.

This file is written so that every Python, however old, can read it and say what is missing; the work is in
`door/`.
"""

import os
import sys

if sys.version_info[:2] < (3, 11):
    sys.exit(
        "This course needs Python 3.11 or newer, and this is Python %d.%d: install a newer one "
        "(python.org has it) and call it by its number, for example `python3.14 course.py lab` "
        "(Windows: `py -3.14 course.py lab`)." % sys.version_info[:2]
    )

# PYTHONSAFEPATH and -P leave this folder out of the path.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

if __name__ == "__main__":
    from door.commands import main

    sys.exit(main(sys.argv[1:]))
