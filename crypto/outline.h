/* The outline of an OpenPGP message: which packets stand at its top level, whether the last one ended, and whether
 * anything stood beside it. It takes the armour off, too: gpg 2.2 reads the END line as base64 where an armour without
 *  a
 * checksum (RFC 9580 makes none) ends without padding, so gpg is given the packets. Read on the way to gpg from the
 *  ciphertext alone, byte by byte and without memory of its
 * own; nothing is decrypted and no packet's content is looked at but its version. It tells what gpg does not tell apart
 * (a truncated message from a changed one) or what gpg would have to be trusted for (a second message behind the
 * first), and it lets a file that is no encrypted message be refused before gpg sees it. Private to crypto/. */
#pragma once
#include <glib.h>

typedef enum {
  OUTLINE_EMPTY = 0, /* no byte yet */
  OUTLINE_FOREIGN,   /* not OpenPGP */
  OUTLINE_BINARY,
  OUTLINE_ARMOR,
} OutlineForm;

typedef enum {
  OUTLINE_NO_BODY = 0,  /* not reached */
  OUTLINE_CLEAR,        /* signed, compressed or literal data: not encrypted */
  OUTLINE_UNPROTECTED,  /* tag 9: encrypted without integrity protection */
  OUTLINE_MDC,          /* tag 18 version 1 */
  OUTLINE_AEAD,         /* tag 20 (OCB as GnuPG 2.3 makes it) */
  OUTLINE_AEAD_RFC9580, /* tag 18 version 2, which no GnuPG reads */
} OutlineBody;

typedef struct {
  OutlineForm form;
  OutlineBody body;
  guint public_key_sessions; /* recipients by key */
  guint passphrase_sessions; /* recipients by passphrase */
  gboolean complete;         /* the body ended, and so did the armour */
  gboolean beside;           /* bytes before, between or after it that do not belong to the message */
  gboolean malformed;

  struct {
    guint8 start[48]; /* of a session key packet's body */
    guint started;
    guint64 size; /* of the body so far */
    guint state, tag, length_bytes, old_length_type;
    gboolean partial, first, indefinite;
    guint64 left;
    guint packets;
  } packet;
  struct {
    guint state, bits, count;
    guint used;
    char line[64];
    guint32 sum; /* CRC-24 of what was decoded */
    guint8 *decoded;
    gsize decoded_count;
  } armor;
} Outline;

void outline_init(Outline *outline);
void outline_feed(Outline *outline, const guint8 *bytes, gsize length);
/* The same, and what an armour's base64 stands for goes to `decoded`, which has room for `length` bytes; returns how
 * many they are. For what is no armour: none. */
gsize outline_feed_decoding(Outline *outline, const guint8 *bytes, gsize length, guint8 *decoded);
void outline_end(Outline *outline); /* the input has ended */
