"""One kube-apiserver on a loopback port, with RBAC, tokens, client certificates and an audit log.

It serves the plain Kubernetes API. Off are the admission plug-ins that need a kubelet or a node controller
(``ServiceAccount``, ``TaintNodesByCondition``) and the reconciler of the ``kubernetes`` Endpoints. It depends on an etcd that
somebody else starts; while that is down its requests fail, and it goes on when etcd is back.

The files (certificates, keys, token file, audit policy) are made once and live in its folder, so that it is the same server,
with the same tokens and service-account keys, after a restart.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Sequence
from pathlib import Path

from tmc_syncer.testing.assets import Assets
from tmc_syncer.testing.audit import POLICY, AuditLog
from tmc_syncer.testing.certificates import Authority, new_key_pair
from tmc_syncer.testing.ports import free_ports
from tmc_syncer.testing.process import ServerProcess
from tmc_syncer.testing.users import Users

__all__ = ["ApiServer"]


class ApiServer(ServerProcess):
    """A kube-apiserver with its files in ``directory``; ``url`` is where it serves, ``users`` whom it knows.

    ``extra_flags`` come last on the command line, where they win over the flags given here.
    """

    def __init__(
        self,
        directory: Path,
        *,
        assets: Assets,
        etcd_url: str,
        log_path: Path,
        audit_path: Path,
        extra_flags: Sequence[str] = (),
    ) -> None:
        """Write the files and choose a port; nothing is started. Raises ``AssetsMissing``."""
        directory.mkdir(parents=True, exist_ok=True)
        (self.port,) = free_ports(1)
        self.url = f"https://127.0.0.1:{self.port}"
        self.users = Users(Authority("client-ca"))
        self.audit = AuditLog(audit_path)
        self._token_path = directory / "tokens.csv"

        serving = Authority("server-ca")
        self.ca_pem = serving.certificate_pem
        self.ca_path = directory / "ca.crt"
        self.ca_path.write_bytes(self.ca_pem)
        names = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
        certificate = serving.server_certificate(names, ("127.0.0.1", "::1", "10.96.0.1"))
        certificate_path, key_path = certificate.write(directory, "server")
        client_ca_path = directory / "client-ca.crt"
        client_ca_path.write_bytes(self.users.authority.certificate_pem)
        signer_path, self.service_account_key_path = new_key_pair().write(directory, "service-account")
        policy_path = directory / "audit-policy.json"
        policy_path.write_text(json.dumps(POLICY))

        command = [
            str(assets.program("kube-apiserver")),
            f"--etcd-servers={etcd_url}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--cert-dir={directory}",
            f"--tls-cert-file={certificate_path}",
            f"--tls-private-key-file={key_path}",
            f"--client-ca-file={client_ca_path}",
            f"--token-auth-file={self._token_path}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={signer_path}",
            f"--service-account-signing-key-file={self.service_account_key_path}",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
            "--endpoint-reconciler-type=none",
            "--allow-privileged=true",
            # kwok serves as kubelet of all nodes on one loopback address; their names resolve to nothing.
            "--kubelet-preferred-address-types=InternalIP",
            f"--audit-policy-file={policy_path}",
            f"--audit-log-path={audit_path}",
            "--audit-log-mode=blocking",
            # Megabytes; a rotated file would invalidate the offsets that tests keep.
            "--audit-log-maxsize=100000",
            "--profiling=false",
            *extra_flags,
        ]
        super().__init__(
            "kube-apiserver", command, log_path=log_path, directory=directory, is_ready=self._serves
        )
        self._context = ssl.create_default_context(cadata=self.ca_pem.decode())

    def launch(self) -> None:
        """Start the process with the users that exist now; see ``ServerProcess.launch``."""
        if not self.running:
            self.audit.path.parent.mkdir(parents=True, exist_ok=True)
            self.users.write_tokens(self._token_path)
        super().launch()

    def _serves(self) -> bool:
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=1, context=self._context)
        try:
            # As admin: /readyz is open to everybody only after the RBAC start-up hook has run.
            token = self.users.token("admin")
            connection.request("GET", "/readyz", headers={"Authorization": f"Bearer {token}"})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
