"""What do the usual hosts of repositories take as credentials?

Each wants a token in a form of its own; a refusal that does not say which is no help at night.
"""

from __future__ import annotations

from runner.sources.remote import Remote

TOKEN_USER = "x-access-token"  # noqa: S105 -- a name
"""The user beside a token where none is declared: GitHub's own; GitLab, Gitea and Azure DevOps take any."""

_BITBUCKET_USER = "x-token-auth"

_SSH = (
    "is the public half of private_key among the deploy keys of the repository, and does USER@ in the URL "
    "fit (git@ on most hosts)?"
)
_NOTHING = (
    "no authorization is declared: an https remote takes token, or user and password, of an Authorization"
)
_ANY = "does the token, or the password, still hold, and may it read this repository?"

_FORMS = (
    (
        "github",
        "GitHub takes a fine-grained token (Contents: read), a classic one (repo) or one of an app as token "
        "alone; no passwords",
    ),
    (
        "gitlab",
        "GitLab takes a project, group or personal access token (read_repository) as token alone; beside a "
        "deploy token, user is the name of that token",
    ),
    ("bitbucket", f"Bitbucket takes an access token of the repository, with {_BITBUCKET_USER} as user"),
    (
        "dev.azure.com",
        "Azure DevOps takes a personal access token (Code: read) as token alone; it ends by itself",
    ),
    ("visualstudio.com", "Azure DevOps takes a personal access token (Code: read) as token alone"),
)
"""Part of the host's name → what it takes."""


def token_user(remote: Remote) -> str:
    """The user beside a token where none is declared."""
    return _BITBUCKET_USER if remote.host == "bitbucket.org" else TOKEN_USER


def hint_for(remote: Remote, *, authorized: bool) -> str:
    """After a refusal: what to look at. `authorized`: an Authorization is declared for it."""
    if remote.scheme == "ssh":
        return _SSH
    form = next((form for part, form in _FORMS if part in remote.host), "")
    return "; ".join(
        each for each in (("" if authorized else _NOTHING), form or (_ANY if authorized else "")) if each
    )
