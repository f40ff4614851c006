"""The picture of a page that the README shows: `python -m tests.page_picture` draws it anew.

Needs the packages of requirements-dev.txt and a browser, as the browser tests do.
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

from tests.browsing import opened, started
from tests.notebooks import FOLDER

TARGET = FOLDER.parent / "handouts" / "page.png"
LESSON, PLACE = "06_random_slopes", "a-model-with-own-slopes"


def main() -> int:
    """Draw a part of a lesson's page, teacher edition, in 128 colours."""
    from handouts.build import build
    from handouts.editions import TEACHER

    with tempfile.TemporaryDirectory() as folder, started() as browser:
        build(FOLDER, Path(folder), [TEACHER], [LESSON])
        page = opened(browser, Path(folder) / "teacher" / f"{LESSON}.html", width=1400)
        page.add_style_tag(content="html { scroll-behavior: auto; scrollbar-width: none }")
        page.set_viewport_size({"width": 1400, "height": 1300})
        page.evaluate("id => scrollTo(0, document.getElementById(id).offsetTop - 60)", PLACE)
        page.wait_for_timeout(100)
        shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    shot.quantize(128, dither=Image.Dither.NONE).save(TARGET, optimize=True)
    print(f"{TARGET}: {TARGET.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
