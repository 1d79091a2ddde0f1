"""Environment variables as one typed settings object. The README's configuration table lists them."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core import bounds
from core.errors import SettingsError

MAX_UPLOAD_BYTES = 104_857_600  # 100 MB, the limit of every upload

_NAMES = ("SFT_", "DATABASE_URL", "REDIS_URL", "STORAGE_URL", "HOME")  # prefixes of what settings depend on
_KEY_HOST = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=(?:\*\.)?(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?")
_SCHEMES = {
    "database_url": ("postgresql://", "postgres://", "postgresql+psycopg://", "sqlite:///"),
    "redis_url": ("redis://", "rediss://", "unix://"),
}


class Settings(BaseSettings):
    """Locations and addresses, read from the environment at every call of `get_settings`."""

    model_config = SettingsConfigDict(env_prefix="SFT_", extra="ignore", frozen=True, populate_by_name=True)

    data_dir: Path = Field(default=Path("data"), description="all files, unless STORAGE_URL is set")
    database_url: str = Field(default="", validation_alias="DATABASE_URL", description="empty: SQLite in data_dir")
    redis_url: str = Field(default="", validation_alias="REDIS_URL", description="empty: the embedded server")
    storage_url: str = Field(default="", validation_alias="STORAGE_URL", description="an fsspec URL; empty: data_dir")
    host: str = Field(default="127.0.0.1", description="address the web app and the API bind to; others need sign-in")
    allowed_hosts: str = Field(
        default="",
        description="further names under which the web app may be opened, separated by commas",
    )
    trusted_proxies: str = Field(
        default="", description="addresses of reverse proxies whose X-Forwarded-Proto is believed, separated by commas"
    )
    web_port: int = Field(default=8501, ge=1, le=65535)
    inference_port: int = Field(default=8010, ge=1, le=65535)
    api_port: int = Field(default=8000, ge=1, le=65535)
    api_rate: int = Field(default=600, ge=0, description="requests per minute of one API key; 0: no limit")
    import_roots: str = Field(
        default="", description="folders of this server that files may be imported from, separated by ':'; empty: none"
    )
    import_hosts: str = Field(
        default="", description="hosts that files may be fetched from, separated by commas; empty: none"
    )
    key_hosts: str = Field(
        default="",
        description="further hosts that keys in variables may be sent to: NAME_OF_VARIABLE=host, separated by commas",
    )
    ollama_url: str = Field(default="http://127.0.0.1:11434")
    lease_s: float = Field(default=60.0, gt=0, description="length of a worker's lease on a task")
    renew_s: float = Field(default=10.0, gt=0, description="how often a lease is renewed from the work itself")
    reconcile_s: float = Field(default=15.0, gt=0, description="how often dead tasks are recovered")
    poll_s: float = Field(default=30.0, gt=0, description="how often a hosted service is asked how a job is doing")
    cancel_grace_s: float = Field(
        default=15.0, gt=0, description="time a task has to obey a cancel before it is killed"
    )
    price_per_hour: float = Field(
        default=0.0, ge=0, description="cost of an hour of this machine (rent or electricity); 0: unknown"
    )
    currency: str = Field(default="EUR", min_length=1, max_length=8, description="of price_per_hour, such as EUR")
    usd_rate: float = Field(
        default=0.0, ge=0, description="US dollars for one unit of SFT_CURRENCY, in which budgets count; 0: unknown"
    )
    device: str = Field(default="auto", description="auto, cpu, or cuda")

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        value = value.expanduser().resolve()
        existing = next(path for path in (value, *value.parents) if os.path.exists(path))
        if not os.path.isdir(existing):
            raise ValueError(f"{existing} is a file, not a directory")
        return value

    @field_validator("database_url", "redis_url")
    @classmethod
    def _reachable(cls, value: str, info: ValidationInfo) -> str:
        schemes = _SCHEMES[str(info.field_name)]
        if value and not value.startswith(schemes):
            raise ValueError(f"the URL must start with one of {', '.join(schemes)}")
        urlsplit(value).port  # noqa: B018  raises if it is not a number
        return value

    @field_validator("allowed_hosts")
    @classmethod
    def _names_only(cls, value: str) -> str:
        for name in filter(None, (part.strip() for part in value.split(","))):
            if not re.fullmatch(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:]+", name):
                raise ValueError(
                    f"{name!r} must be a host name only, such as studio.example.org, without a scheme or port"
                )
        return value

    @field_validator("key_hosts")
    @classmethod
    def _pairs(cls, value: str) -> str:
        for pair in filter(None, (part.strip() for part in value.split(","))):
            if not _KEY_HOST.fullmatch(pair):
                raise ValueError(f"{pair!r} must be the name of a variable and a host: MY_API_KEY=llm.example.org:8443")
            urlsplit(f"//{pair.partition('=')[2]}").port  # noqa: B018  raises if it is not a number
        return value

    @property
    def hosts_of_keys(self) -> dict[str, tuple[str, ...]]:
        """The pairs of `key_hosts`: each variable with its hosts, in lower case."""
        found: dict[str, tuple[str, ...]] = {}
        for pair in filter(None, (part.strip() for part in self.key_hosts.split(","))):
            name, _, host = pair.partition("=")
            found[name] = (*found.get(name, ()), host.lower())
        return found

    @property
    def sqlalchemy_url(self) -> str:
        """The database URL with its driver: SQLite in the data directory, or psycopg for PostgreSQL."""
        url = self.database_url
        if not url:
            return f"sqlite:///{self.data_dir / 'studio.db'}"
        return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)

    @property
    def is_sqlite(self) -> bool:
        return self.sqlalchemy_url.startswith("sqlite")

    @property
    def usd_per_hour(self) -> float | None:
        """`price_per_hour` in US dollars, in which budgets count; None where a price or the rate is not set."""
        rate = 1.0 if self.currency.upper() in ("USD", "US$", "$") else self.usd_rate
        return self.price_per_hour * rate or None

    @property
    def api_url(self) -> str:
        """Where programs on this machine reach the API."""
        host = self.host if self.host not in ("0.0.0.0", "::", "") else "127.0.0.1"  # noqa: S104  not bound to here
        return f"http://{f'[{host}]' if ':' in host else host}:{self.api_port}"

    @property
    def inference_url(self) -> str:
        return f"http://127.0.0.1:{self.inference_port}"


def get_settings() -> Settings:
    """Read the environment now.

    Raises:
        SettingsError: a variable has an invalid value; names the variable.
    """
    named = [name for name in os.environ if name.upper().startswith(_NAMES)]
    return _settings(os.getcwd(), tuple(sorted((name.upper(), os.environ.get(name, "")) for name in named)))


@lru_cache(maxsize=8)
def _settings(cwd: str, environment: tuple[tuple[str, str], ...]) -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "a variable"
        name = name if name.isupper() else f"SFT_{name.upper()}"
        shown = "" if name.endswith("_URL") else f" = {first['input']!r}"  # a URL may hold a password
        wrong = bounds.problem(error, {} if name.endswith("_URL") else Settings.model_fields)
        text = f"{name}{shown}: {wrong}." if first["type"] == "value_error" else f"{name} {wrong}."
        raise SettingsError(text, f"Correct or unset {name}.") from error
