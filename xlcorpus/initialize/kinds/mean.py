"""Every new row is the mean of all old ones."""

from __future__ import annotations

from xlcorpus.initialize.initialization import Asked, Initialization, Made, NewRows, NoOptions


def mean(asked: Asked, options: NoOptions) -> NewRows:
    """The mean of the rows of all old ids."""
    count = len(asked.wanted)
    return NewRows(
        {name: Made(rows.mean(dim=0).expand(count, -1), mixed=count) for name, rows in asked.flat.items()},
    )


INITIALIZATION = Initialization("mean", NoOptions, mean)
