"""Install into the environment of the running Python: by uv, which takes a tenth of pip's time, otherwise by pip.

    .venv/bin/python .ci/install.py -c constraints.txt -e .

The arguments are pip's. uv does not read pip's configuration, so what is set there is handed over.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys

PIP = [sys.executable, "-m", "pip"]
UV = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable]
# pip's option: uv's variable, and what stands between several values
HANDED_OVER = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "constraint": ("UV_CONSTRAINT", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "proxy": ("ALL_PROXY", " "),
}


def main(arguments: list[str]) -> int:
    by_pip = [*PIP, "install", "--quiet", *arguments]
    if subprocess.run([*PIP, "install", "--quiet", "-c", "constraints.txt", "uv"]).returncode:
        return subprocess.run(by_pip).returncode
    if not subprocess.run([*UV, *arguments], env={**settings(), **os.environ}).returncode:
        return 0
    sys.stderr.write("uv could not install this; pip is asked to.\n")
    return subprocess.run(by_pip).returncode


def settings() -> dict[str, str]:
    """What pip is configured with, as uv's variables."""
    listed = subprocess.run([*PIP, "config", "list"], capture_output=True, text=True).stdout
    found = {"UV_INDEX_STRATEGY": "unsafe-best-match"}  # as pip does: the newest that fits, from whichever index
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        option = key.rpartition(".")[2]
        if option in HANDED_OVER:
            name, between = HANDED_OVER[option]
            found[name] = between.join(str(ast.literal_eval(value)).split())
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
