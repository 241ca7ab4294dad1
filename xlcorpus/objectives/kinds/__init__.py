"""The pretraining objectives, found by name: each module has one as OBJECTIVE."""
