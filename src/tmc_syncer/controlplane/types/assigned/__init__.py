"""What only a server assigns: one function for each built-in kind, in `table.PREPARE`.

They are called with the object as it will be written, after defaulting, and with the live object for an update, and return a
copy with what the registry strategies (``PrepareForCreate``, ``PrepareForUpdate``) and the admission plugins that every
server has put in: addresses of Services, the selector of a Job, the QoS class of a Pod, finalizers of namespaces.
"""
