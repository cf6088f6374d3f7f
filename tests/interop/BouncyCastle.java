// Bouncy Castle's bcpg, as tests/interop/run calls it: one source file, started by `java -cp JARS BouncyCastle.java VERB ...`.
import java.io.*;
import java.nio.file.*;
import java.security.*;
import java.util.*;
import org.bouncycastle.bcpg.*;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.openpgp.*;
import org.bouncycastle.openpgp.jcajce.JcaPGPObjectFactory;
import org.bouncycastle.openpgp.operator.jcajce.*;

public class BouncyCastle {
  static final char[] NO_PASSPHRASE = {};

  public static void main(String[] words) throws Exception {
    Security.addProvider(new BouncyCastleProvider());
    switch (words[0]) {
      case "generate": generate(words[1], words[2]); break;
      case "seal": seal(words[1], words[2], words[3], words[4], words[5]); break;
      case "open": open(words[1], words[2], words[3], words[4]); break;
      case "verify": verify(words[1], words[2], words[3]); break;
      default: throw new IllegalArgumentException(words[0]);
    }
  }

  static PGPKeyPair rsa(int use) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA", "BC");
    generator.initialize(2048);
    return new JcaPGPKeyPair(use, generator.generateKeyPair(), new Date());
  }

  static void generate(String key, String cert) throws Exception {
    PGPSignatureSubpacketGenerator signs = new PGPSignatureSubpacketGenerator(), encrypts = new PGPSignatureSubpacketGenerator();
    signs.setKeyFlags(false, 0x03);
    encrypts.setKeyFlags(false, 0x0c);
    PGPKeyPair primary = rsa(PGPPublicKey.RSA_GENERAL);
    PGPKeyRingGenerator ring = new PGPKeyRingGenerator(PGPSignature.POSITIVE_CERTIFICATION, primary, "them <them@test>",
        new JcaPGPDigestCalculatorProviderBuilder().build().get(HashAlgorithmTags.SHA1), signs.generate(), null,
        new JcaPGPContentSignerBuilder(primary.getPublicKey().getAlgorithm(), HashAlgorithmTags.SHA256), null);
    ring.addSubKey(rsa(PGPPublicKey.RSA_GENERAL), encrypts.generate(), null);
    try (OutputStream to = new FileOutputStream(key)) {
      ring.generateSecretKeyRing().encode(to);
    }
    try (OutputStream to = new ArmoredOutputStream(new FileOutputStream(cert))) {
      ring.generatePublicKeyRing().encode(to);
    }
  }

  static PGPPublicKeyRing cert(String path) throws Exception {
    return new PGPPublicKeyRing(PGPUtil.getDecoderStream(new FileInputStream(path)), new JcaKeyFingerprintCalculator());
  }

  static PGPSecretKeyRing key(String path) throws Exception {
    return new PGPSecretKeyRing(new FileInputStream(path), new JcaKeyFingerprintCalculator());
  }

  static PGPPrivateKey unlock(PGPSecretKey key) throws Exception {
    return key.extractPrivateKey(new JcePBESecretKeyDecryptorBuilder().setProvider("BC").build(NO_PASSPHRASE));
  }

  static PGPSignatureGenerator signer(PGPSecretKey key) throws Exception {
    PGPSignatureGenerator signer = new PGPSignatureGenerator(
        new JcaPGPContentSignerBuilder(key.getPublicKey().getAlgorithm(), HashAlgorithmTags.SHA256));
    signer.init(PGPSignature.BINARY_DOCUMENT, unlock(key));
    return signer;
  }

  static PGPPublicKey encryptionKey(PGPPublicKeyRing ring) {
    PGPPublicKey chosen = null;
    for (PGPPublicKey key : ring)
      if (key.isEncryptionKey() && !key.isMasterKey())
        chosen = key;
    return chosen;
  }

  static void seal(String form, String keyPath, String certPath, String in, String out) throws Exception {
    byte[] plain = Files.readAllBytes(Paths.get(in));
    PGPSignatureGenerator signer = signer(key(keyPath).getSecretKey());
    try (OutputStream file = new FileOutputStream(out);
         OutputStream to = form.equals("armour") ? new ArmoredOutputStream(file) : file) {
      if (form.equals("detached")) {
        signer.update(plain);
        signer.generate().encode(to);
        return;
      }
      PGPEncryptedDataGenerator encrypting = new PGPEncryptedDataGenerator(
          new JcePGPDataEncryptorBuilder(SymmetricKeyAlgorithmTags.AES_256).setWithIntegrityPacket(true));
      encrypting.addMethod(new JcePublicKeyKeyEncryptionMethodGenerator(encryptionKey(cert(certPath))));
      OutputStream encrypted = encrypting.open(to, new byte[4096]);
      PGPCompressedDataGenerator compressing = new PGPCompressedDataGenerator(
          form.equals("compressed") ? CompressionAlgorithmTags.BZIP2 : CompressionAlgorithmTags.UNCOMPRESSED);
      OutputStream inner = form.equals("compressed") ? compressing.open(encrypted) : encrypted;
      signer.generateOnePassVersion(false).encode(inner);
      PGPLiteralDataGenerator literal = new PGPLiteralDataGenerator();
      OutputStream content = literal.open(inner, PGPLiteralData.BINARY, "plain", plain.length, new Date());
      content.write(plain);
      signer.update(plain);
      literal.close();
      signer.generate().encode(inner);
      compressing.close();
      encrypting.close();
    }
  }

  static void open(String keyPath, String certPath, String in, String out) throws Exception {
    PGPEncryptedDataList list =
        (PGPEncryptedDataList) new JcaPGPObjectFactory(PGPUtil.getDecoderStream(new FileInputStream(in))).nextObject();
    PGPPublicKeyEncryptedData data = (PGPPublicKeyEncryptedData) list.get(0);
    PGPPrivateKey own = unlock(key(keyPath).getSecretKey(data.getKeyID()));
    JcaPGPObjectFactory objects = new JcaPGPObjectFactory(
        data.getDataStream(new JcePublicKeyDataDecryptorFactoryBuilder().setProvider("BC").build(own)));
    Object next = objects.nextObject();
    if (next instanceof PGPCompressedData) {
      objects = new JcaPGPObjectFactory(((PGPCompressedData) next).getDataStream());
      next = objects.nextObject();
    }
    PGPOnePassSignature signature = ((PGPOnePassSignatureList) next).get(0);
    signature.init(new JcaPGPContentVerifierBuilderProvider().setProvider("BC"),
        cert(certPath).getPublicKey(signature.getKeyID()));
    byte[] plain = ((PGPLiteralData) objects.nextObject()).getInputStream().readAllBytes();
    signature.update(plain);
    if (!signature.verify(((PGPSignatureList) objects.nextObject()).get(0)) || !data.verify())
      throw new SignatureException("bad signature or integrity");
    Files.write(Paths.get(out), plain);
  }

  static void verify(String certPath, String in, String path) throws Exception {
    PGPSignature signature = ((PGPSignatureList) new JcaPGPObjectFactory(
        PGPUtil.getDecoderStream(new FileInputStream(path))).nextObject()).get(0);
    signature.init(new JcaPGPContentVerifierBuilderProvider().setProvider("BC"),
        cert(certPath).getPublicKey(signature.getKeyID()));
    signature.update(Files.readAllBytes(Paths.get(in)));
    if (!signature.verify())
      throw new SignatureException("bad signature");
  }
}
