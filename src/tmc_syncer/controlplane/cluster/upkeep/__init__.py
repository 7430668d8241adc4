"""The controllers that keep a cluster tidy: namespaces, garbage, accounts, endpoints, volumes, load balancers."""
