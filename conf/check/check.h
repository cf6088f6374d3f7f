/* What concerns several sections of a whole configuration: told to the report, at the place of the later one. */
#pragma once
#include "conf/conf.h"

/* Feeds with each other, and both ends of one: names, ledgers, folders. */
void check_feeds(const Conf *conf, ConfReport *report);
/* Whether what protects the files of feeds and reconciliations has the keys that it needs. */
void check_keys(const Conf *conf, ConfReport *report);
/* Requesters and types, names that collide, ways out. */
void check_reconciles(const Conf *conf, ConfReport *report);
