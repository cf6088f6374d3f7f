/* Names of others, that must be there. Each tells the section what is not, with what may have been meant, and gives
 * what the name names, or NULL: also for a name that is NULL itself, which has been told. */
#pragma once
#include "conf/read/section.h"

const ConfPartner *reference_partner(const Section *section, const char *option, const char *name);
const ConfPartner *reference_system(const Section *section, const char *option, const char *name);
const ConfLayout *reference_layout(const Section *section, const char *option, const char *name);
const ConfCalendar *reference_calendar(const Section *section, const char *option, const char *name);

typedef enum { ENDPOINT_FOLDERS, ENDPOINT_WEB } EndpointUse; /* sftp, ftp(s) and file; http(s) */
/* The option 'endpoint' of OWNER; NULL: the owner is not there, which has been told. */
void reference_endpoint(const Section *section, const ConfPartner *owner, EndpointUse use, const char *name);
/* The same of the system of that name, of which nothing is told. */
void reference_system_endpoint(const Section *section, const char *system, EndpointUse use, const char *name);

/* The fields of a feed's key, one or several; and, when account and amount are known, a warning where none of them is
 * one that a partner gives once only. */
void reference_key(const Section *section, const ConfFeed *feed, const ConfLayout *layout);
void reference_key_that_repeats(const Section *section, const ConfFeed *feed, const ConfLayout *layout);
/* Of the record's fields: one that every kind of record must have, integer or of the other type. */
void reference_record_field(const Section *section, const char *option, const char *name, const ConfLayout *layout,
                            ConfFieldType other);
/* The option 'columns': fields of the record. */
void reference_record_columns(const Section *section, char *const *columns, const ConfLayout *layout);
