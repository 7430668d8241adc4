"""The pipeline that turns an upstream object into its downstream copy, and back. Pure.

`pipeline` runs it, `context` holds what goes in and comes out, `registry` finds the transformers; each of the
others is one transformer (cleaning, owners, namespaces, labels, annotations, secrets) or the table that it
works by (assigned, references, domains, nulls, fieldtree).
"""
