/* The codes under which a load of a reference table is refused or held; packaging/doc/CODES.md says what each means. */
#pragma once

#define CODE_ROWS_OVERLAP "R001"
#define CODE_BAD_VALIDITY "R002"
#define CODE_TABLE_SHRINKS "R003"   /* held */
#define CODE_TABLE_EMPTY "R004"     /* held */
#define CODE_NO_FULL_LOAD "R005"    /* held */
#define CODE_DELTA_MISSING "R006"   /* held */
#define CODE_LOAD_OLD "R007"        /* held */
#define CODE_NOTHING_REMOVED "R008"
#define CODE_UNKNOWN_LOAD "R009"
