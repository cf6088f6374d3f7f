/* The requester's side: fetches a manifest and its shards, several at a time, each going on where it broke off; checks
 * everything against the signed manifest; fetches a bad shard again, at most three times; joins; acknowledges.
 *
 * A folder is filled so that it may be filled again: a shard that is there and whole is not fetched, a NAME.part is
 * resumed, and NAME appears only when it is whole and durable. So the tool may be killed at any moment and run
 * again. */
#pragma once
#include "gateway/recon/contents.h"
#include "transfer/courier.h"

typedef enum {
  PULL_WHOLE,      /* everything is here and right */
  PULL_NOT_READY,  /* ask again after `retry_after` seconds */
  PULL_NOT_FOUND,  /* there is nothing of this name for us */
  PULL_INCOMPLETE, /* the connection broke too often: run it again, it goes on */
  PULL_CORRUPT,    /* a shard, the manifest or its signature is not right, also when fetched again */
  PULL_FAILED      /* anything else: the login, our disk, our use of it */
} PullEnd;

/* What a thread is at. */
typedef struct {
  const char *name;
  guint64 size, done;
} PullLane;
typedef struct {
  guint shards, whole;
  guint64 bytes, done; /* of all shards; `done` has what was here before */
  guint64 transferred; /* bytes that came over the line in this run */
  guint breaks, refetched;
  guint n_lanes;
  const PullLane *lanes; /* name NULL: idle */
} PullProgress;

typedef struct {
  const CourierEndpoint *endpoint;
  const char *type, *period; /* which manifest */
  guint version;             /* 0: the newest */
  const char *remote_folder; /* not HTTP: where the files are */
  const char *manifest_name; /* not HTTP: NULL: that of the version, "TYPE_PERIOD[_vN].manifest.json" */
  const char *folder;        /* ours; made where missing */
  guint parallel;            /* shards at a time; 0: 4 */
  guint patience;            /* breaks without a byte in between before it gives up; 0: 10 */
  ReconKeys keys;            /* keys.signed_by NULL: the signature is not looked at, which the caller has to mean */
  const char *join;          /* one file of all records, in order; NULL: none */
  gboolean keep_encrypted;   /* the records are not looked at: their key is elsewhere */
  gboolean acknowledge;      /* HTTP: at the end, when all is right */
  void (*progress)(gpointer user, const PullProgress *progress); /* from any thread, one at a time; NULL: none */
  gpointer user;
} PullOptions;

typedef struct {
  char *problem;           /* for people; NULL when whole */
  guint retry_after;       /* NOT_READY, seconds */
  ReconManifest *manifest; /* once it was read and is right */
  char *manifest_sha256, *manifest_name;
  PullProgress progress; /* as it was at the end; its lanes are gone */
  gboolean is_acknowledged;
} PullReport;
void pull_report_clear(PullReport *report);

PullEnd recon_pull(const PullOptions *options, PullReport *report);
