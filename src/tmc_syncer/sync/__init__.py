"""The heart: facts, what is ours, the two tables, effects, and the interpreter that performs them."""
