"""The formats of other trainers, a file each; other packages add theirs by the entry point xlcorpus.export_formats."""
