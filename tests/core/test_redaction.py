from __future__ import annotations

import pytest

from stepflow_tui.core.redaction import looks_secret


@pytest.mark.parametrize(
    "name",
    [
        "TOKEN",
        "GITHUB_TOKEN",
        "github_token",
        "AWS_SECRET_ACCESS_KEY",
        "API_KEY",
        "APIKEY",
        "SSH_PRIVATE_FILE",
        "DB_PASS",
        "PGPASSWORD",
        "PASSPHRASE",
        "MYSQL_PWD",
        "GOOGLE_CREDENTIALS",
        "DB_CREDS",
        "OAUTH",
        "AUTHORIZATION",
        "SESSION_COOKIE",
        "SLACK_WEBHOOK",
        "SENTRY_DSN",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name",
    ["", "PATH", "HOME", "PWD", "OLDPWD", "LANG", "GIT_AUTHOR_NAME", "KEYBOARD_LAYOUT", "CI"],
)
def test_other_names(name: str) -> None:
    assert not looks_secret(name)
