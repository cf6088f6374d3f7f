/* The tables of sections. A file here holds those of one section, or of some that belong together. */
#pragma once
#include "conf/read/row.h"

extern const Table table_root;
extern const Table table_node;
extern const Table table_partner;
extern const Table table_system;
extern const Table table_access;
extern const Table table_endpoint;
extern const Table table_calendar;
extern const Table table_layout;
extern const Table table_field;
extern const Table table_alarms;
extern const Table table_front;
extern const Table table_lane;
extern const Table table_feed;
extern const Table table_source;
extern const Table table_batch;
extern const Table table_process; /* the settings of all kinds together: what may be written */
extern const Table table_feedback;
extern const Table table_repeats;
extern const Table table_sequence;
extern const Table table_expect;
extern const Table table_cut_off;
extern const Table table_reconcile;
extern const Table table_read_rule;
