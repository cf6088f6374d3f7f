"""TLS for tests: an authority of the run's own, and certificates that it signs. Made with openssl, EC keys, kept for
the run."""
import base64
import hashlib
import os
import subprocess


class Authority:
    def __init__(self, folder, name="Test Authority"):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.certificate, self.key = os.path.join(folder, "ca.pem"), os.path.join(folder, "ca.key")
        self._count = 0
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650",
                 "-subj", f"/CN={name}",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", self.key, "-out", self.certificate)

    def issue(self, name, *, names=("DNS:localhost", "IP:127.0.0.1"), client=False, days=30):
        """(certificate, key): paths, PEM."""
        self._count += 1
        base = os.path.join(self.folder, f"{self._count}-{name}")
        with open(base + ".ext", "w") as file:
            file.write("basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n"
                       f"extendedKeyUsage={'clientAuth' if client else 'serverAuth'}\n")
            if names and not client:
                file.write("subjectAltName=" + ",".join(names) + "\n")
        _openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                 f"/CN={name}",
                 "-keyout", base + ".key", "-out", base + ".csr")
        _openssl("x509", "-req", "-in", base + ".csr", "-CA", self.certificate, "-CAkey", self.key, "-set_serial",
                 str(1000 + self._count),
                 "-days", str(days), "-extfile", base + ".ext", "-out", base + ".pem")
        return base + ".pem", base + ".key"


def fingerprint(certificate):
    """SHA-256 of the certificate's DER form, as `access` wants it."""
    der = subprocess.run(["openssl", "x509", "-in", certificate, "-outform", "DER"], check=True,
                         stdout=subprocess.PIPE).stdout
    return hashlib.sha256(der).hexdigest()


def public_key_pin(certificate):
    """sha256//… of the public key, as `tls-key` wants it."""
    public = subprocess.run(["openssl", "x509", "-in", certificate, "-pubkey", "-noout"], check=True,
                            stdout=subprocess.PIPE).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=public, check=True,
                         stdout=subprocess.PIPE).stdout
    return "sha256//" + base64.b64encode(hashlib.sha256(der).digest()).decode()


def _openssl(*words):
    done = subprocess.run(["openssl", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    assert done.returncode == 0, f"openssl {' '.join(words)}:\n{done.stdout.decode(errors='replace')}"
