"""Records how the Go types of the Kubernetes API look on the wire, into src/tmc_syncer/controlplane/types/data/go_types.json.

A small Go program reflects over the types that the API server decodes requests into: for each struct its fields with the
JSON name, the protobuf field number, the type, and what is left out when it is empty. That one table drives three things:
decoding of protobuf bodies, the checks of JSON bodies (a word where a number belongs), and what a server drops because
Go does not write it. It is built in a temporary folder with the Go module of the test bed, so the version is that of the
servers that the real tier runs. Needs Go: `python -m tools.record_go_types`.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
MODULE = REPOSITORY / "testbed" / "kubernetes"
TARGET = REPOSITORY / "src" / "tmc_syncer" / "controlplane" / "types" / "data" / "go_types.json"

PROGRAM = r"""
package main

import (
	"encoding/json"
	"os"
	"reflect"
	"sort"
	"strconv"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

// Groups and versions whose kinds are wanted.
var wanted = map[string]bool{
	"v1": true, "apps/v1": true, "batch/v1": true, "networking.k8s.io/v1": true, "policy/v1": true,
	"autoscaling/v1": true, "autoscaling/v2": true, "rbac.authorization.k8s.io/v1": true,
	"coordination.k8s.io/v1": true, "events.k8s.io/v1": true, "discovery.k8s.io/v1": true,
	"storage.k8s.io/v1": true, "apiextensions.k8s.io/v1": true, "scheduling.k8s.io/v1": true,
	"authentication.k8s.io/v1": true, "authorization.k8s.io/v1": true, "admissionregistration.k8s.io/v1": true,
}

// Types that marshal themselves: a word stands for each.
var special = map[string]string{
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":                                        "time",
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":                                   "microtime",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Duration":                                    "duration",
	"k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1":                                    "fields",
	"k8s.io/apimachinery/pkg/api/resource.Quantity":                                    "quantity",
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString":                                  "intorstring",
	"k8s.io/apimachinery/pkg/runtime.RawExtension":                                     "raw",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSON":                    "json",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaProps":         "schema",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrArray":  "schema",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrBool":   "schema",
}

type field struct {
	JSON   string `json:"name"`
	Number int    `json:"number,omitempty"`
	Type   string `json:"type"`
	Empty  string `json:"empty,omitempty"`
	Inline bool   `json:"inline,omitempty"`
}

var structs = map[string][]field{}

func name(t reflect.Type) string {
	path := t.PkgPath()
	for _, prefix := range []string{"k8s.io/api/", "k8s.io/apimachinery/pkg/apis/", "k8s.io/apiextensions-apiserver/pkg/apis/"} {
		path = strings.TrimPrefix(path, prefix)
	}
	return strings.ReplaceAll(path, "/", ".") + "." + t.Name()
}

func describe(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		return "*" + describe(t.Elem())
	}
	if word, ok := special[t.PkgPath()+"."+t.Name()]; ok {
		return word
	}
	switch t.Kind() {
	case reflect.Struct:
		visit(t)
		return "#" + name(t)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		// Named lists (ExtraValue, Verbs) are messages of their own in protobuf.
		if t.Name() != "" && t.PkgPath() != "" && reflect.PointerTo(t).Implements(reflect.TypeFor[interface{ ProtoMessage() }]()) {
			return "items" + describe(reflect.SliceOf(t.Elem()))
		}
		return "[]" + describe(t.Elem())
	case reflect.Map:
		return "map:" + describe(t.Elem())
	case reflect.Interface:
		return "any"
	}
	if t.PkgPath() != "" {
		path := strings.Split(t.PkgPath(), "/")
		return t.Kind().String() + "=" + path[len(path)-1] + "." + t.Name()
	}
	return t.Kind().String()
}

func visit(t reflect.Type) {
	key := name(t)
	if _, done := structs[key]; done {
		return
	}
	structs[key] = nil
	fields := []field{}
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		tag := strings.Split(f.Tag.Get("json"), ",")
		if tag[0] == "-" || !f.IsExported() {
			continue
		}
		entry := field{JSON: tag[0], Type: describe(f.Type)}
		for _, option := range tag[1:] {
			switch option {
			case "omitempty", "omitzero":
				entry.Empty = entry.Empty + option
			case "inline":
				entry.Inline = true
			}
		}
		if f.Anonymous && tag[0] == "" {
			entry.Inline = true
		}
		for i, part := range strings.Split(f.Tag.Get("protobuf"), ",") {
			if i == 1 {
				entry.Number, _ = strconv.Atoi(part)
			}
		}
		fields = append(fields, entry)
	}
	structs[key] = fields
}

func main() {
	if err := apiextensions.AddToScheme(scheme.Scheme); err != nil {
		panic(err)
	}
	kinds := map[string]string{}
	for gvk, t := range scheme.Scheme.AllKnownTypes() {
		gv := gvk.GroupVersion().String()
		if !wanted[gv] || strings.HasSuffix(gvk.Kind, "List") || t.PkgPath() == "k8s.io/apimachinery/pkg/apis/meta/v1" {
			continue
		}
		visit(t)
		kinds[gv+"/"+gvk.Kind] = name(t)
	}
	_ = schema.GroupVersion{}
	for kind, t := range map[string]reflect.Type{
		"meta.k8s.io/v1/DeleteOptions": reflect.TypeFor[metav1.DeleteOptions](),
	} {
		visit(t)
		kinds[kind] = name(t)
	}
	names := []string{}
	for n := range structs {
		names = append(names, n)
	}
	sort.Strings(names)
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(map[string]any{"kinds": kinds, "structs": structs}); err != nil {
		panic(err)
	}
}
"""


def version() -> str:
    """Return the version of Kubernetes that the test bed pins."""
    found = re.search(r"^require k8s\.io/kubernetes (\S+)$", (MODULE / "go.mod").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def reflected() -> dict[str, object]:
    """Run the Go program and return what it prints."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("go.mod", "go.sum"):
            shutil.copy(MODULE / name, folder)
        Path(folder, "main.go").write_text(PROGRAM)
        done = subprocess.run(
            ["go", "run", "-mod=mod", "."], cwd=folder, check=True, capture_output=True, text=True
        )
    parsed: dict[str, object] = json.loads(done.stdout)
    return parsed


def compact(found: dict[str, object]) -> str:
    """Write one struct a line, so that a new version shows as a readable difference.

    A field is [JSON name ("" when inline), protobuf number (0: none), type, what is left out when empty].
    """
    kinds, structs = found["kinds"], found["structs"]
    assert isinstance(kinds, dict)
    assert isinstance(structs, dict)
    lines = [
        "{",
        f' "version": "{version()}",',
        ' "source": "reflection over k8s.io/api, apimachinery and apiextensions-apiserver (tools/record_go_types.py)",',
        ' "kinds": {',
    ]
    lines.append(",\n".join(f"  {json.dumps(kind)}: {json.dumps(kinds[kind])}" for kind in sorted(kinds)))
    lines += [" },", ' "structs": {']
    rows = []
    for name in sorted(structs):
        fields = [
            [
                "" if field.get("inline") else field["name"],
                field.get("number", 0),
                field["type"],
                field.get("empty", ""),
            ]
            for field in structs[name]
        ]
        rows.append(f"  {json.dumps(name)}: {json.dumps(fields, separators=(',', ':'))}")
    lines += [",\n".join(rows), " }", "}"]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Record."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    text = compact(reflected())
    json.loads(text)
    TARGET.write_text(text)
    print(f"{TARGET.relative_to(REPOSITORY)}: {len(text)} bytes")


if __name__ == "__main__":
    main()
