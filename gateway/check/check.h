/* The whole check of a configuration: conf/'s own, and what needs other rooms: layouts compile, rules compile as SQL
 * over their layout's columns, cron expressions have a next time, time zones exist, keys are in the ring, valid and
 * soon expiring or not, secret files are readable by us and by nobody else, certificates are there, the state folder is
 * writable, files of holidays can be read, and the read rules of reconciliations have their columns. */
#pragma once
#include "conf/conf.h"

/* Adds to the report. FALSE when there are errors. `with_keys`: also ask gpg (slow; `check` and start do, unit tests
 * need not). */
gboolean check_configuration(const Conf *conf, gboolean with_keys, ConfReport *report);
