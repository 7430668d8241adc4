"""The desired copy of an object and whether the copy that stands is in sync with it.

`DesiredCache` answers from memory while neither the upstream content nor the copy's ownership changed: a
fingerprint of the upstream content stands for the digest, and the very bytes of our managedFields entry for
the coverage. So a status event costs no transformation, and a restart costs one transformation per object and
no write. The cache is a convenience only: dropping it changes nothing but CPU time.

It is not the applier: it performs nothing. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import msgspec
import xxhash

from tmc_syncer.api.fieldpath import FieldPath
from tmc_syncer.api.names import APPLIED_DIGEST, SYNCED_AT
from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import Key
from tmc_syncer.downstream.drift import desired_digest, missing_paths, still_holds
from tmc_syncer.downstream.field_rules import without
from tmc_syncer.transformation.context import Desired
from tmc_syncer.transformation.pipeline import PIPELINE_VERSION, content_of

__all__ = ["DesiredCache", "Evaluation", "evaluate", "fingerprint"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A desired copy with its digest, and the paths of it that the standing copy no longer holds under our name."""

    desired: Desired
    digest: str

    def body(self, *, synced_at: str) -> dict[str, Any]:
        """The object to apply: the desired copy with its digest and the time of this content change."""
        metadata = dict(self.desired.object["metadata"])
        metadata["annotations"] = {
            **(metadata.get("annotations") or {}),
            APPLIED_DIGEST: self.digest,
            SYNCED_AT: synced_at,
        }
        return {**self.desired.object, "metadata": metadata}


def fingerprint(record: Record) -> bytes:
    """A hash of everything in an upstream object that can change its copy: not its status, not its version."""
    meta = record.meta
    digest = xxhash.xxh3_128()
    digest.update(
        msgspec.json.encode(
            (meta.uid, meta.generation, meta.labels, meta.annotations, meta.owner_references), order="sorted"
        )
    )
    for name, raw in record.fields.items():
        if name != "status":
            digest.update(name.encode())
            digest.update(raw)
    return digest.digest()


class DesiredCache:
    """Remembers, per upstream key, the digest of the desired copy and the ownership it was last found covering."""

    def __init__(self) -> None:
        self._digests: dict[Key, tuple[bytes, object, str]] = {}
        self._covered: dict[Key, tuple[str, bytes]] = {}

    def in_sync(
        self,
        record: Record,
        copy: Record,
        token: object,
        evaluate: Callable[[], Evaluation],
        ceded: Collection[FieldPath],
    ) -> bool:
        """Whether `copy` holds the desired content of `record`, under our ownership.

        Args:
            record: the upstream object.
            copy: what stands downstream, ours.
            token: everything else that the desired copy depends on, comparable by ``==``.
            evaluate: computes the desired copy when memory does not serve.
            ceded: field paths that a rule gave to another manager.
        """
        key = record.key
        print_ = fingerprint(record)
        known = self._digests.get(key)
        evaluation: Evaluation | None = None
        if known is not None and known[0] == print_ and known[1] == token:
            digest = known[2]
        else:
            evaluation = evaluate()
            digest = evaluation.digest
            self._digests[key] = (print_, token, digest)
        if copy.meta.annotation(APPLIED_DIGEST) != digest:
            return False
        owned = _entry(copy)
        covered = self._covered.get(key)
        if covered == (digest, owned):
            return True
        fields: dict[str, Any] = msgspec.json.decode(owned)
        if covered is not None and covered[0] == digest:
            # Another entry covered the same content: nothing of that one may be lost (what one alone cannot tell).
            before: dict[str, Any] = msgspec.json.decode(covered[1])
            if not still_holds(fields, before, ceded):
                return False
        evaluation = evaluation or evaluate()
        if missing_paths(evaluation.desired.object, fields, ceded):
            return False
        self._covered[key] = (digest, owned)
        return True

    def accept(self, key: Key, digest: str, copy: Record) -> None:
        """The server's answer to our own apply counts as covered: what it left out of our entry, it will again."""
        self._covered[key] = (digest, _entry(copy))

    def forget(self, key: Key) -> None:
        """Drop what is known of an object that is gone."""
        self._digests.pop(key, None)
        self._covered.pop(key, None)


def _entry(copy: Record) -> bytes:
    """Our own entry of the managed fields, as it came; an empty one where a server keeps none."""
    return bytes(copy.meta.managed_fields[0].fields_v1) if copy.meta.managed_fields else b"{}"


def evaluate(desired: Desired, yields: Collection[FieldPath] = ()) -> Evaluation:
    """Digest a desired copy; fields that yield to the cluster do not count."""
    content = without(desired.object, yields) if yields else desired.object
    return Evaluation(desired, desired_digest(content_of(content), PIPELINE_VERSION))
