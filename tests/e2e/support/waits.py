"""What a file waits for, as commands tell it."""
from harness import has, wait_until


def waits(world, name, kind, *words):
    """Until the file waits for that, in those words; in `show`, in `files`, and in their JSON. The JSON's object."""
    def found():
        wait = (world.gateway.file(name) or {}).get("waits")
        return wait if wait and wait["for"] == kind else None
    wait = wait_until(f"{name} to wait for {kind}", found, seconds=60, log=world.gateway.log_tail)
    for word in words:
        has(wait["words"], word, f"what {name} waits for")
    has(world.gateway.ok("show", name).out, words[0], "show")
    has(world.gateway.ok("files", "--name", name).out, words[0], "files")
    return wait
