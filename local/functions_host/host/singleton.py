"""One holder at a time among all hosts of an app: a lease on a blob, as Azure's singleton listeners hold.

The container and the blobs' names are Azure's, so that a look into the storage account shows what is known.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobLeaseClient, BlobServiceClient

from local.functions_host.host.logs import HOST
from local.functions_host.host.settings import AppSettings

CONTAINER = "azure-webjobs-hosts"
LEASE_SECONDS = 15
RENEW_SECONDS = 5.0


def host_id(settings: AppSettings, app: Path) -> str:
    """The setting that Azure reads, or a name that is stable for this folder. At most 32 characters."""
    given = settings.get("AzureFunctionsWebHost__hostid")
    name = re.sub("[^a-z0-9]+", "-", app.name.lower()).strip("-")[:20]
    return given or f"{name}-{hashlib.sha256(str(app).encode()).hexdigest()[:10]}"


async def while_holding(blobs: BlobServiceClient, name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` while this process holds the lease called `name`, waiting for it and taking it back for ever.

    When the lease is lost `work` is cancelled; when this task is cancelled so is `work`, and the lease given up.
    After an AzureError in `work` both begin anew.
    """
    while True:
        lease = BlobLeaseClient(blobs.get_blob_client(CONTAINER, name))
        try:
            await _acquire(blobs, name, lease)
            try:
                await _work_and_renew(lease, name, work)
            finally:
                with suppress(AzureError):
                    await lease.release()
        except ResourceExistsError:
            await asyncio.sleep(RENEW_SECONDS)
        except AzureError as error:
            HOST.error("Lock '%s': %s", name, error.message)
            await asyncio.sleep(RENEW_SECONDS)


async def _acquire(blobs: BlobServiceClient, name: str, lease: BlobLeaseClient) -> None:
    try:
        await lease.acquire(LEASE_SECONDS)
    except ResourceNotFoundError:
        with suppress(ResourceExistsError):
            await blobs.create_container(CONTAINER)
        with suppress(ResourceExistsError):
            await blobs.get_blob_client(CONTAINER, name).upload_blob(b"")
        await lease.acquire(LEASE_SECONDS)


async def _work_and_renew(lease: BlobLeaseClient, name: str, work: Callable[[], Awaitable[None]]) -> None:
    working = asyncio.ensure_future(work())
    renewing = asyncio.create_task(_renew(lease))
    try:
        await asyncio.wait([working, renewing], return_when=asyncio.FIRST_COMPLETED)
        if renewing.done():
            HOST.warning("Lock '%s' was lost: %s", name, renewing.exception())
        else:
            working.result()
    finally:
        working.cancel()
        renewing.cancel()
        await asyncio.gather(working, renewing, return_exceptions=True)


async def _renew(lease: BlobLeaseClient) -> None:
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        await lease.renew()
