//go:build tools

// Package testbed pins the kwok that plays the kubelet in the real tier of the tests.
// It is never compiled: build.sh builds the program named here.
package testbed

import _ "sigs.k8s.io/kwok/cmd/kwok"
