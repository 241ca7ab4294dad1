"""New rows are drawn near the mean of the old ones: the cheap default, nearly as good as learnt ones (methods B10)."""

from __future__ import annotations

from xlcorpus.initialize.initialization import Asked, Initialization, Made, NewRows, NoOptions
from xlcorpus.initialize.multivariate import multivariate


def normal(asked: Asked, options: NoOptions) -> NewRows:
    """The multivariate normal of all old rows, its covariance x 1e-5."""
    return NewRows({name: Made(rows, drawn=len(rows)) for name, rows in multivariate(asked).items()})


INITIALIZATION = Initialization("normal", NoOptions, normal)
