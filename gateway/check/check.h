/* The whole check of a configuration: conf/'s own, and what needs other rooms: layouts compile, rules compile as SQL
 * over their layout's columns, cron expressions have a next time, time zones exist, keys are in the ring, valid and
 * soon expiring or not, secret files are readable by us and by nobody else, certificates are there, the state folder is
 * writable, files of holidays can be read, and the read rules of reconciliations have their columns. */
#pragma once
#include "conf/conf.h"

/* Whether gpg is asked for the keys (slow; unit tests need not), and what it means that it does not answer now: nothing
 * for a start and for `check`, whose warning says so; a reload stays with the configuration whose keys were seen. */
typedef enum { CHECK_NO_KEYS, CHECK_KEYS_IF_GPG_ANSWERS, CHECK_KEYS } CheckKeys;

/* Adds to the report. FALSE when there are errors. */
gboolean check_configuration(const Conf *conf, CheckKeys keys, ConfReport *report);
