"""What the API server knows of the shape of objects: schema nodes, the recorded schemas of kube-apiserver, CRD schemas. Pure.

`node` is the model, `openapi` builds nodes from OpenAPI schemas (built-in components and structural schemas of CRDs alike),
`documents` reads what was recorded, `gotypes` says how Go writes a typed object. `merge` works with all of them.
"""
