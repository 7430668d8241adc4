//go:build tools

// Package testbed pins the Kubernetes programs that the real tier of the tests runs.
// It is never compiled: build.sh builds the programs named here.
package testbed

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kube-scheduler"
	_ "k8s.io/kubernetes/cmd/kubectl"
)
