/* What gateway/check/check.c is made of beside itself. */
#pragma once
#include "gateway/check/check.h"
#include "gateway/common/key_use.h"

/* Secrets, certificates, local folders, the alarms' program: what the configuration names on this machine. */
void check_files(const Conf *conf, ConfReport *report);
/* Readable by us and by nobody else. NULL is fine. */
void check_secret(ConfWhere where, const char *what, const char *path, ConfReport *report);
/* An SSH key that no login can succeed with: a public one, a foreign form, a passphrase that is not named or wrong. */
typedef enum { IDENTITY_UNKNOWN, IDENTITY_OPEN, IDENTITY_LOCKED, IDENTITY_PUBLIC, IDENTITY_PUTTY } IdentityKind;
IdentityKind identity_kind(const char *text); /* of a key file's beginning */
void check_identity(const ConfEndpoint *endpoint, ConfReport *report);
/* Whether our own OpenPGP keys open with their passphrases. `uses`: KeyUse*, of all that the configuration names. */
void check_unlocking(const Conf *conf, const GPtrArray *uses, ConfReport *report);
/* Their files of holidays. */
void check_calendars(const Conf *conf, ConfReport *report);
/* The read rules of reconciliations: columns and conditions. `layouts`: name → Layout, of those that are sound. */
void check_reads(const Conf *conf, GHashTable *layouts, ConfReport *report);
/* Queries of other people's databases, and the layouts that they are written in. */
void check_queries(const Conf *conf, GHashTable *layouts, ConfReport *report);
/* Ratings, over the layouts that are sound; and their examples. */
void check_ratings(const Conf *conf, GHashTable *layouts, ConfReport *report);
/* Scenarios, over the layouts that are sound. */
void check_scenarios(const Conf *conf, GHashTable *layouts, ConfReport *report);
