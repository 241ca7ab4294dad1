"""The recipe's block `start:`: what model training begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import model_validator

from xlcorpus.dataset import storage
from xlcorpus.errors import UserError, naming
from xlcorpus.options import StepOptions, checked, option

if TYPE_CHECKING:
    from xlcorpus.initialize.initialization import Initialization


class StartOptions(StepOptions):
    """One of `shape` (random weights), `model` (a folder or a GGUF file) and `hub` (a name, downloaded)."""

    files: ClassVar[tuple[str, ...]] = ("model", "old_tokenizer")

    shape: str | None = option(None, description="random weights in this shape, a model type of transformers as llama")
    model: str | None = option(None, min_length=1, description="a folder that save_pretrained wrote, or FILE.gguf")
    hub: str | None = option(None, description="a model of huggingface.co by name, as org/name; it is downloaded")
    revision: str | None = option(
        None, pattern="^[0-9a-f]{40}$", only={"hub": ()}, description="the commit of it, 40 hex digits"
    )

    layers: int = option(4, ge=1, le=1000, only={"shape": ()}, description="hidden layers")
    width: int = option(256, ge=1, le=1 << 17, only={"shape": ()}, description="of the hidden states")
    heads: int = option(4, ge=1, le=1024, only={"shape": ()}, description="attention heads")
    key_value_heads: int | None = option(
        None, ge=1, le=1024, only={"shape": ()}, description="heads of keys and values; as many as heads where not said"
    )
    intermediate: int | None = option(
        None, ge=1, le=1 << 20, only={"shape": ()}, description="width inside the MLPs; 4 x width where not said"
    )
    positions: int | None = option(
        None, ge=1, le=1 << 24, only={"shape": ()}, description="most tokens of a text; the rows' where not said"
    )
    tied: bool = option(True, only={"shape": ()}, description="one matrix for input and output tokens")
    config: dict[str, Any] = option(
        {}, only={"shape": ()}, description="more settings of the shape, as transformers names them: {rope_theta: 1e5}"
    )

    new_rows: str | dict[str, Any] | None = option(
        None,
        only={"shape": [None]},
        description="how rows of pieces begin that the model lacks, a word or {method: WORD, ...}: mean-of-pieces (the "
        "mean of the rows of the pieces that the old tokenizer cuts them into), mean (of all rows), normal (the "
        "multivariate normal of all rows, its covariance x 1e-5), random (as the model's own weights were), ofa, "
        "wechsel, cw2v, clp",
    )
    vocabulary: Literal["extended", "replaced"] = option(
        "extended",
        only={"shape": [None]},
        description="the tokenizer of the shards goes on where the model's ends, or is another: rows of pieces of "
        "equal text are kept",
    )
    old_tokenizer: str | None = option(
        None, min_length=1, only={"shape": [None]}, description="the tokenizer of the model where none lies beside it"
    )
    every: int = option(
        1,
        ge=1,
        le=1000,
        only={"shape": [None]},
        description="keep the last layer of each so many alone, without dropout (BiStil's student: 2)",
    )
    decoder_layers: int | None = option(
        None,
        ge=1,
        le=1000,
        only={"shape": [None]},
        description="put a decoder of so many random layers behind the encoder, with its embeddings (SixT+: 12)",
    )
    decoder_heads: int | None = option(
        None, ge=1, le=1024, only={"decoder_layers": ()}, description="as many as the encoder's where not said"
    )
    decoder_intermediate: int | None = option(
        None, ge=1, le=1 << 20, only={"decoder_layers": ()}, description="the encoder's where not said"
    )
    vocabulary_multiple: int = option(
        1, ge=1, le=1 << 16, description="the number of rows is rounded up to a multiple of this; 64 is fast on GPUs"
    )

    def initialization(self) -> tuple[Initialization, StepOptions] | None:
        """The way that `new_rows` names, with its options; raises UserError where there is none, or they are wrong."""
        from xlcorpus.initialize.initialization import INITIALIZATIONS  # torch is not imported before it is asked for

        if self.new_rows is None:
            return None
        given = {"method": self.new_rows} if isinstance(self.new_rows, str) else dict(self.new_rows)
        method = given.pop("method", None)
        if not isinstance(method, str):
            raise UserError("new_rows: has no method", remedy="write new_rows: {method: ofa, ...}, or new_rows: normal")
        with naming("start: new_rows"):
            kind = INITIALIZATIONS.find(method)
        return kind, checked(kind.options, given, "new_rows", method, "docs/training.md")

    def paths(self) -> tuple[str, ...]:
        """Files and folders that the weights depend on; raises UserError where one that `new_rows` names is missing."""
        old = None if self.old_tokenizer == "bytes" else self.old_tokenizer  # a tokenizer without a file
        found, initialization = [self.model, old], self.initialization()
        for name in initialization[1].files if initialization else ():
            value = getattr(initialization[1], name) if initialization else None
            for path in [value] if isinstance(value, str) else value or ():
                place = storage.locate(path)
                if not (storage.is_file(place) or storage.is_folder(place)):
                    raise UserError(f"new_rows: {name}: {path} is not there", remedy="check the path")
                found.append(path)
        return tuple(path for path in found if path is not None)

    @model_validator(mode="after")
    def _check_new_rows(self) -> StartOptions:
        self.initialization()
        return self

    @model_validator(mode="after")
    def _check_source(self) -> StartOptions:
        given = [name for name in ("shape", "model", "hub") if getattr(self, name) is not None]
        if len(given) != 1:
            raise UserError(
                f"start: needs one of shape, model and hub; it has {' and '.join(given) or 'none'}",
                remedy="shape: llama for random weights, model: FOLDER or FILE.gguf, hub: org/name to download one",
            )
        if self.hub is not None and self.revision is None:
            raise UserError(
                f"start: hub: {self.hub} has no revision, so what it stands for may change",
                remedy="revision: COMMIT, 40 hex digits from the model's page (Files and versions, History)",
            )
        return self
