"""What a user meets first: the README's configuration, the samples, and the installation."""
import os
import re
import shlex
import subprocess

from gateway import BINARY
from harness import TOP, Skip, equal, has, test
from invariants import files_below
from partner import Gpg
from world import World


def fit(text, world):
    """A shown configuration with this world's keys and folders in the place of the example's."""
    text = re.sub(r'"[01]123456789ABCDEF[0-9A-F]{24}"', f'"{world.keys.acme}"', text)
    text = re.sub(r'"89AB ?CDEF[0-9A-F ]+"', f'"{world.keys.gateway}"', text)
    text = re.sub(r'(identity-file\s*=\s*)"[^"]*"', rf'\1"{world.configuration.endpoints["main"]["identity-file"]}"',
                  text)
    secret = os.path.join(world.folder, "secret")
    with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write("secret\n")
    text = re.sub(r'"(/etc/sallyport/keys/[^"]*|credential:[^"]*)"', f'"{secret}"', text)
    text = re.sub(r'"/usr/local/bin/[^"]*"', '"/bin/true"', text)
    text = re.sub(r'(state\s*=\s*)"[^"]*"', rf'\1"{world.state}"', text)
    text = re.sub(r'(runtime\s*=\s*)"[^"]*"', rf'\1"{world.runtime}"', text)
    return re.sub(r'(node \{)', rf'\1 gnupg-home = "{world.gnupg}" ', text)


@test
def the_readmes_configuration_is_complete_and_passes_the_check():
    with World() as world, open(os.path.join(TOP, "README.md")) as readme:
        blocks = re.findall(r"(?:^(?:    .*)?\n)+", readme.read(), re.M)
        shown = next(block for block in blocks if 'lane "points"' in block)
        with open(world.path, "w") as file:
            file.write(fit(re.sub(r"^    ", "", shown, flags=re.M), world))
        world.gateway.ok("check")


@test
def the_shipped_samples_pass_the_check():
    with World() as world:
        folder = os.path.join(world.folder, "etc")
        for path in files_below(os.path.join(TOP, "conf/samples")):
            target = os.path.join(folder, os.path.relpath(path, os.path.join(TOP, "conf/samples")))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(path) as sample, open(target, "w") as file:
                file.write(fit(sample.read(), world))
        world.gateway.configuration = os.path.join(folder, "sallyport.conf")
        world.gateway.ok("check")


@test(alone=True)
def an_installation_has_all_its_parts_and_goes_away_again():
    build = os.path.dirname(BINARY)
    if not os.access(build, os.W_OK):
        raise Skip("the build folder is not ours")
    with World() as world:
        root = os.path.join(world.folder, "root")
        words = ["make", "-s", "-C", TOP, f"BUILD={build}", f"DESTDIR={root}", "PREFIX=/opt/gate"]
        subprocess.run([*words, "install"], check=True, stdout=subprocess.DEVNULL)
        installed = {os.path.relpath(path, root) for path in files_below(root)}
        for part in ("opt/gate/bin/sallyport", "opt/gate/share/man/man1/sallyport.1",
                     "opt/gate/share/man/man5/sallyport.conf.5",
                     "opt/gate/lib/systemd/system/sallyport.service",
                     "opt/gate/share/bash-completion/completions/sallyport",
                     "opt/gate/share/doc/sallyport/examples/sallyport.conf", "opt/gate/lib/sysusers.d/sallyport.conf",
                     "opt/gate/share/sallyport/demo/run", "opt/gate/share/sallyport/demo/scene.py",
                     "opt/gate/share/sallyport/demo/make-accruals"):
            assert part in installed, f"{part} is not installed: {sorted(installed)}"
        with open(os.path.join(root, "opt/gate/lib/systemd/system/sallyport.service")) as unit:
            has(unit.read(), "ExecStart=/opt/gate/bin/sallyport run", "the unit")
        subprocess.run([os.path.join(root, "opt/gate/bin/sallyport"), "--version"], check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run([*words, "uninstall"], check=True, stdout=subprocess.DEVNULL)
        equal([os.path.relpath(path, root) for path in files_below(root)], [], "left after uninstall")


@test
def the_key_that_the_readme_makes_can_sign_and_decrypt():
    with World() as world:
        with open(os.path.join(TOP, "README.md")) as readme:
            line, = [line for line in readme if "--quick-generate-key" in line]
        ring = Gpg(os.path.join(world.folder, "r"))
        try:
            subprocess.run(shlex.split(line), env={**world.gateway.environment, "GNUPGHOME": ring.home}, check=True,
                           timeout=120,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            listed = ring.run("--with-colons", "--list-secret-keys").decode().splitlines()
            own = next(row.split(":")[9] for row in listed if row.startswith("fpr:"))
            ring.run("--import", data=world.keys.partner.run("--export", world.keys.acme))
            world.configuration.node["gnupg-home"] = ring.home
            world.configuration.openpgp["decrypt-with"] = own
            world.write_configuration()
            world.gateway.ok("check")
        finally:
            ring.stop()
