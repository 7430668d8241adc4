//go:build ignore

// What the OpenAPI documents do not say of the Go types of Kubernetes: which fields are written although they are
// empty, which keep an empty value because they are pointers, and the types' names for messages. record_schemas.py runs
// this inside the test bed's module. It prints one JSON object: "<package path>.<type>" -> JSON name -> fact.
package main

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

type fact struct {
	Type   string          `json:"type"`
	Kept   bool            `json:"kept,omitempty"`
	Always json.RawMessage `json:"always,omitempty"`
}

var (
	found     = map[string]map[string]fact{}
	marshaler = reflect.TypeOf((*json.Marshaler)(nil)).Elem()
)

func marshals(t reflect.Type) bool {
	return t.Implements(marshaler) || reflect.PointerTo(t).Implements(marshaler)
}

// zero is what encoding/json writes for the zero value; {} stands for a struct of fields, whatever these are.
func zero(t reflect.Type) json.RawMessage {
	if t.Kind() == reflect.Struct && !marshals(t) {
		return json.RawMessage("{}")
	}
	text, err := json.Marshal(reflect.New(t).Interface())
	if err != nil {
		panic(err)
	}
	return text
}

func fields(t reflect.Type, into map[string]fact) {
	for i := 0; i < t.NumField(); i++ {
		field := t.Field(i)
		tag := field.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		if name == "-" || !field.IsExported() {
			continue
		}
		if name == "" && field.Anonymous && field.Type.Kind() == reflect.Struct {
			fields(field.Type, into)
			continue
		}
		visit(field.Type)
		plain := field.Type
		if plain.Kind() == reflect.Pointer {
			plain = plain.Elem()
		}
		is := fact{Type: plain.String()}
		switch kind := field.Type.Kind(); {
		case strings.Contains(options, "omitzero"):
		case !strings.Contains(options, "omitempty"), kind == reflect.Struct:
			is.Always = zero(field.Type)
		case kind == reflect.Pointer:
			is.Kept = true
		}
		into[name] = is
	}
}

func visit(t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Array:
		visit(t.Elem())
	case reflect.Struct:
		name := t.PkgPath() + "." + t.Name()
		if _, known := found[name]; known || marshals(t) {
			return
		}
		found[name] = map[string]fact{}
		fields(t, found[name])
	}
}

func main() {
	for _, add := range []func() error{
		func() error { return apiextensions.AddToScheme(scheme.Scheme) },
		func() error { return apiregistration.AddToScheme(scheme.Scheme) },
	} {
		if err := add(); err != nil {
			panic(err)
		}
	}
	for _, t := range scheme.Scheme.AllKnownTypes() {
		visit(t)
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		panic(err)
	}
}
