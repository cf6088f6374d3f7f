"""asyncssh_server.py ADDRESS PORT ROOT HOST-KEY CLIENT-KEYS: AsyncSSH's own SFTP server, in the folder ROOT."""
import asyncio
import os
import sys

import asyncssh

address, port, root, host_key, clients = sys.argv[1:]


async def serve():
    os.chdir(root)
    await asyncssh.listen(address, int(port), server_host_keys=[host_key], authorized_client_keys=clients,
                          sftp_factory=True)
    await asyncio.Event().wait()

asyncio.run(serve())
