"""A fuzzer of every parser and of the command line: seeded, so that each case comes again by its number.

`python -m tests.fuzz --seconds 300 warc http` reads generated and damaged files through the product's own entry points
in a process of its own with bounded memory, and reports what is no answer: an exception that is no UserError, a record
that takes more than 2 s, more than 1 GB, rows that got lost, or a result that depends on how the file is cut.
"""
