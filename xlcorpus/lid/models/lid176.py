"""fastText's own model of 176 languages (Joulin et al., EACL 2017): the user's copy of it."""

from __future__ import annotations

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.lid.folding import one_line
from xlcorpus.lid.known import KnownModel

VARIABLE = "XLCORPUS_LID176"
FILE = "lid.176.ftz"


def where() -> Location:
    """Where $XLCORPUS_LID176 says, else in ~/.cache/xlcorpus. Raises UserError where it is in neither."""
    location = storage.named_by(VARIABLE) or storage.in_home(f"~/.cache/xlcorpus/{FILE}")
    if not storage.is_file(location):
        raise UserError(
            f"lid.176 is not at {location}",
            remedy=f"put fastText's {FILE} there, give its path as the model, or name it in {VARIABLE}; "
            "nothing is downloaded without being asked for",
        )
    return location


MODEL = KnownModel("lid176", where, prepare=one_line)
