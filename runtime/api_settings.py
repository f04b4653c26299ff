"""What the HTTP API reads from the environment: who may call it, how long calls wait, what a client can hold."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from runtime.setting_values import (
    HostNames,
    LogFormat,
    LogLevel,
    OptionalBearer,
    OptionalHttpUrl,
    OptionalSecret,
    OptionalText,
    Origins,
    QuotaFunctionName,
)
from runtime.settings import SettingsSlice

#: A random text of so many letters and digits cannot be guessed over a network.
FEWEST_TOKEN_CHARS = 16
#: A token shows whether a guess is right, so the secret can be tried offline (RFC 7518, 3.2).
FEWEST_JWT_SECRET_BYTES = 32

#: Where a Supabase project publishes its keys; what stands before the second is the issuer of its tokens.
_AUTH_PATH = "/auth/v1"
_KEYS_PATH = "/.well-known/jwks.json"


#: How what others have begins: a public key (PEM, SSH, JWK), a key for browsers, an API key that is itself a token.
_PUBLISHED = ("-----BEGIN", "ssh-", '{"', "sb_publishable_", "eyJ")


class SigningKeySettings(SettingsSlice):
    """Where a project publishes the keys that its tokens are signed with."""

    supabase_jwks_url: OptionalHttpUrl = None
    #: A key that the project withdraws is refused after this long, while its endpoint answers.
    supabase_jwks_refresh_s: float = Field(300, ge=10, le=86_400)
    #: The last set is used for so many hours while the endpoint is away.
    supabase_jwks_max_age_h: float = Field(24, ge=1, le=720)


class ApiSettings(SigningKeySettings):
    api_host: str = "127.0.0.1"
    api_port: int = Field(8000, ge=1, le=65535)
    #: Where people open the API, if not at the two above: a published port, a proxy. Told to them, nothing else.
    api_public_url: OptionalHttpUrl = None
    #: Where people open Flower; shown on the API's first page.
    flower_url: OptionalHttpUrl = None
    #: Where people open Grafana and a copy of docs/runbook.md; shown on the operators' page.
    grafana_url: OptionalHttpUrl = None
    runbook_url: OptionalHttpUrl = None
    #: How long a call waits for its batch when the client does not say (Prefer: wait=N).
    api_default_wait_s: float = Field(45, ge=0, le=600)
    api_max_wait_s: float = Field(120, ge=0, le=600)
    api_heartbeat_s: float = Field(15, gt=0)
    api_poll_s: float = Field(0.5, gt=0)
    supabase_jwt_secret: OptionalSecret = None
    supabase_jwt_audience: str = "authenticated"
    #: What `iss` of a token must be; unset: as SUPABASE_JWKS_URL shows it, where it does; off: not checked.
    supabase_jwt_issuer: OptionalText = None
    #: Whether users who signed in anonymously are let in: whoever opens the web app can be any number of them.
    supabase_allow_anonymous: bool = False
    api_service_token: OptionalBearer = None
    #: Opens the operators' page `/ops`. Unset: development shows it to everybody, production to nobody.
    api_operator_token: OptionalBearer = None
    #: Calls of one user, over all API processes; a minute's worth may come at once. 0: no limit.
    api_calls_per_minute: int = Field(600, ge=0, le=1_000_000)
    #: Sessions that one user may create; an hour's worth may come at once. 0: no limit.
    api_sessions_per_hour: int = Field(60, ge=0, le=1_000_000)
    #: Event streams that one user may have open at this process. 0: no limit.
    api_streams_per_user: int = Field(20, ge=0, le=100_000)
    #: Of this process; fewer when it may not open so many files.
    api_max_connections: int = Field(4096, ge=1, le=1_000_000)
    #: From accept, or from a later head's first byte, to the complete head of a call.
    api_head_timeout_s: float = Field(10, gt=0, le=600)
    #: From the head of a call to the end of its body.
    api_body_timeout_s: float = Field(15, gt=0, le=600)
    #: How long a connection is kept between two calls. Longer than callers keep theirs (balancers 60 s): who
    #: closes first while the other sends again breaks that call.
    api_idle_timeout_s: float = Field(75, gt=0, le=3600)
    #: For a client to take what is sent to it.
    api_send_timeout_s: float = Field(30, gt=0, le=600)
    api_max_head_bytes: int = Field(32_768, ge=1024, le=1_048_576)
    #: A function in the database that decides whether a user may create a session; see docs/web-app.md.
    api_quota_function: QuotaFunctionName = None
    #: Refuse new sessions with 503 `maintenance`, as the web app's own switch in `feature_toggles` does.
    maintenance_mode: bool = False
    #: Whose pages may call from a browser: `https://app.example`, separated by commas. Empty: nobody's.
    api_cors_origins: Origins = ()
    #: Serve without auth beyond loopback, as a container must; refused in production.
    api_insecure_no_auth: bool = False
    #: By which names, beside localhost, an API process without auth may be called; see api.middleware.allowed_origins.
    api_trusted_hosts: HostNames = ()
    log_format: LogFormat = "json"
    log_level: LogLevel = "INFO"

    @property
    def address(self) -> str:
        """Where people open it."""
        host = f"[{self.api_host}]" if ":" in self.api_host else self.api_host
        return self.api_public_url or f"http://{host}:{self.api_port}"

    @property
    def has_auth(self) -> bool:
        return any((self.supabase_jwt_secret, self.supabase_jwks_url, self.api_service_token))

    @property
    def serves_demo(self) -> bool:
        """Whether /demo exists, which shows keys: only on a development server without auth, so never in production."""
        return not self.is_production and not self.has_auth

    @property
    def issuer(self) -> str | None:
        """What `iss` of a token must be; None: it is not checked."""
        if self.supabase_jwt_issuer is not None:
            return None if self.supabase_jwt_issuer.lower() == "off" else self.supabase_jwt_issuer
        keys_url = (self.supabase_jwks_url or "").rstrip("/")
        return keys_url.removesuffix(_KEYS_PATH) if keys_url.endswith(_AUTH_PATH + _KEYS_PATH) else None

    @model_validator(mode="after")
    def _nobody_has_it(self) -> Self:
        for name, secret in (
            ("API_SERVICE_TOKEN", self.api_service_token),
            ("API_OPERATOR_TOKEN", self.api_operator_token),
            ("SUPABASE_JWT_SECRET", self.supabase_jwt_secret),
        ):
            if secret and secret.get_secret_value().startswith(_PUBLISHED):
                raise ValueError(
                    f"{name} is a key that is published or that browsers hold, so anybody could use it. Set the secret "
                    "itself: the project's JWT secret, or a random text of your own for API_SERVICE_TOKEN"
                )
        return self

    @model_validator(mode="after")
    def _nobody_can_guess(self) -> Self:
        for name, secret, fewest in (
            ("API_SERVICE_TOKEN", self.api_service_token, FEWEST_TOKEN_CHARS),
            ("API_OPERATOR_TOKEN", self.api_operator_token, FEWEST_TOKEN_CHARS),
            ("SUPABASE_JWT_SECRET", self.supabase_jwt_secret, FEWEST_JWT_SECRET_BYTES),
        ):
            if self.is_production and secret and len(secret.get_secret_value().encode()) < fewest:
                raise ValueError(
                    f"{name} is too short for production: it can be guessed. It must have at least {fewest} "
                    "characters; `openssl rand -hex 32` makes a good one"
                )
        return self

    @model_validator(mode="after")
    def _auth_in_production(self) -> Self:
        if self.is_production and not self.has_auth:
            raise ValueError(
                "Without auth the API would serve everybody as anybody, so it does not start in production. Set "
                "SUPABASE_JWKS_URL, SUPABASE_JWT_SECRET or API_SERVICE_TOKEN; on your own machine set "
                "TAFAWOQ_ENV=development"
            )
        return self

    @model_validator(mode="after")
    def _open_only_on_loopback(self) -> Self:
        if self.has_auth or self.api_host in {"127.0.0.1", "localhost", "::1"}:
            return self
        if not self.api_insecure_no_auth:
            raise ValueError(
                f"API_HOST={self.api_host} would serve everybody without a password. Set SUPABASE_JWT_SECRET, "
                "SUPABASE_JWKS_URL or API_SERVICE_TOKEN, or use API_HOST=127.0.0.1"
            )
        return self
