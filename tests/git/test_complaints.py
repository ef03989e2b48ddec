"""What git said, and what it means; the sentences are those of git 2.39 and of curl."""

from __future__ import annotations

import pytest

from runner.git.complaints import classify

URL = "fatal: unable to access 'https://git.example/jobs.git/': "


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (URL + "server certificate verification failed. CAfile: none CRLfile: none", "CertificateUnknown"),
        (URL + "SSL certificate problem: self-signed certificate", "CertificateUnknown"),
        (
            URL + "SSL: no alternative certificate subject name matches target host name 'git.example'",
            "CertificateUnknown",
        ),
        (URL + "The requested URL returned error: 403", "AuthenticationFailed"),
        ("fatal: Authentication failed for 'https://git.example/jobs.git/'", "AuthenticationFailed"),
        ("git@git.example: Permission denied (publickey).", "AuthenticationFailed"),
        (URL + "Failed to connect to git.example port 443: Connection refused", "RemoteUnreachable"),
        (URL + "Could not resolve host: git.example", "RemoteUnreachable"),
        ("remote: Repository not found.\nfatal: repository 'https://x/' not found", "RemoteUnreachable"),
        ("Host key verification failed.\nfatal: Could not read from remote repository.", "HostKeyUnknown"),
        ("fatal: couldn't find remote ref refs/heads/gone", "RefMissing"),
        ("fatal: remote error: upload-pack: not our ref 4f2c9e1", "CommitMissing"),
        ("fatal: write error: No space left on device", "DiskFull"),
        ("error: object file aa/bb is empty\nfatal: loose object is corrupt", "LocalCopyDamaged"),
    ],
)  # fmt: skip
def test_what_git_says_is_known_for_what_it_is(said: str, reason: str) -> None:
    assert classify(said, 128)[0] == reason
