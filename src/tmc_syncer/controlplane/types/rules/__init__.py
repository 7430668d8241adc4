"""What a server refuses: one function for each built-in kind, in `table.VALIDATE`, with the causes and words of kube-apiserver.

They take the finished object and, for an update, the one it replaces, and look at everything but the object's own
metadata, which the server checks for all kinds alike. Paths are those of the Go validation, with its oddities. What users get
wrong most is covered; `table` says which kinds are not looked into.
"""
