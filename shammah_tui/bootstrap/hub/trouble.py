"""What can go wrong between this machine and the hub, in a person's words, with the next step."""

from __future__ import annotations

import errno

import httpx2
from huggingface_hub import constants
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from shammah_tui.bootstrap.reach import CERTIFICATE, PROXY, is_about_certificate
from shammah_tui.errors import DownloadError

EXPECTED = (httpx2.HTTPError, httpx2.InvalidURL, OfflineModeIsEnabled, OSError, ValueError)
"""What a conversation with the hub raises; anything else is a mistake in this program and shows its traceback."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
AGAIN = "Try again; it goes on where it stopped."
SERVER_BUSY = frozenset({408, 429, 500, 502, 503, 504})


def explain(error: Exception, repo: str) -> DownloadError:
    """Say what `error` means for fetching `repo`."""
    if isinstance(error, DownloadError):
        return error
    if isinstance(error, HfHubHTTPError):
        return _refused(error, repo)
    if isinstance(error, OfflineModeIsEnabled):
        return DownloadError("The environment forbids the hub (HF_HUB_OFFLINE).", "Unset HF_HUB_OFFLINE to download.")
    if isinstance(error, httpx2.HTTPError | httpx2.InvalidURL):
        return _unreached(error)
    if isinstance(error, OSError):
        return _disk(error)
    return DownloadError(
        f"{constants.ENDPOINT} answered with something that is not the model hub.",
        "Often this is a network's login page: open a browser and log in. Check HF_ENDPOINT if it is set.",
        retryable=True,
    )


def is_passing(error: Exception) -> bool:
    """Whether the same request may work a moment later."""
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in SERVER_BUSY
    if isinstance(error, httpx2.ProxyError) or is_about_certificate(error):
        return False
    return isinstance(error, httpx2.TransportError)


def _refused(error: HfHubHTTPError, repo: str) -> DownloadError:
    status = error.response.status_code
    page = f"{constants.ENDPOINT}/{repo}"
    if isinstance(error, GatedRepoError):
        return DownloadError(
            f"{repo} is gated: its owner wants its terms accepted first.",
            f"Open {page}, accept them, make a token in your account's settings and set HF_TOKEN to it.",
        )
    if isinstance(error, RevisionNotFoundError):
        return DownloadError(
            f"The hub has no longer the version of {repo} that is pinned.",
            "Update Shammah, or name the repository itself: --model owner/name:quantisation.",
        )
    if isinstance(error, RemoteEntryNotFoundError):
        return DownloadError(f"{repo} has no such file.", f"Look at {page}/tree/main for what it has.")
    if isinstance(error, RepositoryNotFoundError) or status == 404:
        return DownloadError(
            f"The hub has no repository {repo}, or it is private.",
            "Check the name. For a private one, set HF_TOKEN to a token that may read it.",
        )
    if status == 401:
        return DownloadError(
            "The hub does not accept the token.", "Set HF_TOKEN to a valid token, or unset it: public models need none."
        )
    if status == 403:
        return DownloadError(
            f"The hub refuses {repo} to this token or address (403).",
            f"Open {page} in a browser, and check what HF_TOKEN may read.",
        )
    if status == 429:
        return DownloadError(
            "The hub asks for a pause: too many requests (429).", "Wait some minutes. " + AGAIN, retryable=True
        )
    return DownloadError(f"The hub failed ({status}).", AGAIN, retryable=status >= 500)


def _unreached(error: httpx2.HTTPError | httpx2.InvalidURL) -> DownloadError:
    host = constants.ENDPOINT
    if isinstance(error, httpx2.ProxyError):
        return DownloadError(
            f"The proxy did not let {host} through: {error}",
            PROXY.hint,
            retryable=True,
        )
    if is_about_certificate(error):
        return DownloadError(
            f"The certificate of {host} is not trusted: {error}",
            CERTIFICATE.hint,
        )
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return DownloadError(f"{host} cannot be reached.", "Check the network. " + AGAIN, retryable=True)
    if isinstance(error, httpx2.TimeoutException):
        return DownloadError("The download stalled: no bytes came any more.", AGAIN, retryable=True)
    if isinstance(error, httpx2.TransportError):
        return DownloadError("The connection was cut again and again.", AGAIN, retryable=True)
    return DownloadError(f"The hub's answer cannot be used: {error}", "Check HF_ENDPOINT if it is set.")


def _disk(error: OSError) -> DownloadError:
    where = error.filename or constants.HF_HUB_CACHE
    if error.errno in FULL:
        return DownloadError(
            f"The disk became full while downloading ({where}).",
            "Make room, or set HF_HOME to a folder on a larger disk. " + AGAIN,
            retryable=True,
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return DownloadError(
            f"{where} cannot be written.", "Change its owner or rights, or set HF_HOME to a folder of your own."
        )
    return DownloadError(f"The download cannot be written: {error}", f"Look at {where}.", retryable=True)
