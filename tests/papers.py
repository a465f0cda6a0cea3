"""Certificates for servers and clients of the tests: an authority, and what it signed."""

from __future__ import annotations

import datetime
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Paper:
    """A certificate and its key, each in a PEM file; `both` has the key and then the certificates."""

    certificate: Path
    key: Path
    both: Path

    @classmethod
    def at(cls, stem: Path) -> Paper:
        return cls(*(stem.with_name(f"{stem.name}.{kind}.pem") for kind in ("certificate", "key", "both")))


@dataclass(frozen=True, slots=True)
class Papers:
    """`server` is for 127.0.0.1 and no other name; `stranger` is an authority that nobody knows."""

    authority: Paper
    server: Paper
    client: Paper
    stranger: Paper

    @classmethod
    def of(cls, directory: Path) -> Papers:
        """As they are named in a directory, whether they are there or not."""
        names = ("authority", "server", "client", "stranger")
        return cls(*(Paper.at(directory / name) for name in names))


class _Authority:
    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _builder(self.name, self.name, self.key)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.certificate = builder.sign(self.key, hashes.SHA256())

    def write_own(self, paper: Paper) -> None:
        _write(paper, self.key, self.certificate)

    def write(self, paper: Paper, name: str) -> None:
        """Makes a certificate for 127.0.0.1 and signs it."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        builder = _builder(subject, self.name, key)
        builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        _write(paper, key, builder.sign(self.key, hashes.SHA256()), self.certificate)


@pytest.fixture(scope="session")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    found = Papers.of(tmp_path_factory.mktemp("papers"))
    authority = _Authority("rankfeed tests")
    authority.write_own(found.authority)
    authority.write(found.server, "server")
    authority.write(found.client, "client")
    _Authority("somebody else").write_own(found.stranger)
    return found


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
    )


def _write(paper: Paper, key: ec.EllipticCurvePrivateKey, *chain: x509.Certificate) -> None:
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain_pem = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain)
    paper.certificate.write_bytes(chain_pem)
    for path, content in ((paper.key, key_pem), (paper.both, key_pem + chain_pem)):
        path.write_bytes(content)
        os.chmod(path, 0o600)
