"""What a server fills in when a client left it out: one function for each built-in kind, in `table.DEFAULTS`.

They write into an object that `structs.decode` has just made, so that structs that Go always writes are there, and do what
the ``SetDefaults_*`` functions of kube-apiserver do, and the conversions that change what a client sees.
"""
