//go:build tools

// Package testbed pins the etcd that the real tier of the tests runs.
// It is never compiled: build.sh builds the program named here.
package testbed

import _ "go.etcd.io/etcd/server/v3"
