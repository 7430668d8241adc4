"""The columns of Tables: what ``kubectl get`` shows of each kind, computed here as kube-apiserver computes it.

One function makes the cells of one object, all columns of them: clients leave out those with a priority unless they are asked
for a wide table. Definitions are recorded from a real server; cells follow ``pkg/printers/internalversion/printers.go``.
"""
