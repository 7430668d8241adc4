"""The test bed: real Kubernetes servers for tests, started by Python.

It does what envtest does for Go, and more: besides etcd and kube-apiserver it runs the controllers, the scheduler and nodes, so
that Deployments get Pods; it knows many users, reads the audit log, and restores backups. Users of this project may test their
own controllers with it.

Start at ``tmc_syncer.testing.cluster`` (``ControlPlane``, ``PhysicalCluster``, ``running``, ``find_assets``), and see
``polling`` (``eventually``, ``steady``) and ``errors``. Needs the package ``cryptography`` and programs built by
``make testbed``; nothing in the product imports this package.
"""
