"""PyICU, where it is installed (extra `icu`).

PyICU is compiled when it is installed, against the ICU of the system: it needs ICU's headers, pkg-config and a C++
compiler (Debian and Ubuntu: `apt-get install libicu-dev pkg-config g++`; macOS: `brew install icu4c pkg-config`).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from xlcorpus.errors import UserError

_INSTALL = (
    "pip install 'xlcorpus[icu]', after the headers of ICU, pkg-config and a C++ compiler "
    "(Debian, Ubuntu: apt-get install libicu-dev pkg-config g++)"
)


def import_icu(user: str) -> Any:
    """The module `icu`; raises UserError, with how to install it, where it is missing. user: what needs it."""
    try:
        return import_module("icu")
    except ImportError as error:  # also where PyICU was compiled against an ICU that is gone
        raise UserError(f"{user} needs PyICU: {error}", remedy=_INSTALL) from error
