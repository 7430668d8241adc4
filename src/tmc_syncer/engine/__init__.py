"""The reconciling machine: reflector, store, informer, work queue, backoff, controller loop, environment."""
