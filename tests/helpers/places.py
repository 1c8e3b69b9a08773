"""Where things are that tests read."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
"""The folder of the project."""
DATA: Final = ROOT / "tests" / "data"
"""Files of earlier versions, and figures of other programs."""
ORGANOGRAMS: Final = ROOT.parent / "shared" / "data" / "organograms"
"""Published charts, where they stand beside the project; tests that read them skip elsewhere."""
