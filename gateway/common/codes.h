/* The codes under which a file or a record is refused, for the exception file, the feedback and the book. L… and T… are
 * the layout's (gateway/records/layout.h), the feed's rules have their own; packaging/man/sallyport.1 lists them all
 * for partners. */
#pragma once

#define CODE_FILE_TOO_LARGE "F001"
#define CODE_SAME_NAME "F002"       /* same name, other bytes: held */
#define CODE_DUPLICATE_FILE "F003"  /* same bytes as an earlier file */
#define CODE_RECORDS_REFUSED "F004" /* on-reject = file, and at least one record breaks a rule */
#define CODE_TOO_MANY_REPEATED "F005"
#define CODE_REJECTED_BY_HAND "F006"
#define CODE_AMOUNT_OVERFLOW "F007"
#define CODE_TRIES_USED_UP "F008" /* held */
#define CODE_STEP_REFUSED "F009"  /* a step found the file itself at fault: the message says how */
#define CODE_KEYS_SEEN "F010"     /* held: records of it were posted before */
#define CODE_CLOCK "F011"         /* held: it is signed later than our clock says it is now */
#define CODE_HELD_BY_HAND "F012"  /* held by an operator */
#define CODE_EMPTY "F013" /* no byte came, or none is in it */
#define CODE_DECLARED_SIZE "D001" /* what came is not what its declaration says */
#define CODE_DECLARED_DIGEST "D002"
#define CODE_DECLARED_RECORDS "D003"
#define CODE_DECLARED_TOTAL "D004"
#define CODE_NUMBER_REUSED "S001" /* the sequence number was used before */
#define CODE_NUMBER_GAP "S002"    /* a lower number is missing */
#define CODE_NUMBER_LATE "S003"   /* a higher number was used before */
#define CODE_NO_NUMBER "S004"     /* none that is the feed's: held */
#define CODE_AFTER_CUT_OFF "S005"
#define CODE_NO_RECORDS_KEY "K000"    /* the key is empty */
#define CODE_KEY_REPEATED "K001"      /* same key, account and amount earlier in this file: duplicate */
#define CODE_KEY_CONTRADICTS "K002"   /* same key earlier in this file with another account or amount: rejected */
#define CODE_KEY_POSTED "K003"        /* posted before, same account and amount: duplicate */
#define CODE_KEY_CONFLICT "K004"      /* posted before with another account or amount: rejected */
#define CODE_BALANCE_OVERFLOW "K005"  /* with it the account's balance would leave 64 bits: rejected */
#define CODE_INTERFACE_REJECTS "A001" /* the accrual interface rejected the record, and gave no code of its own */
#define CODE_INTERFACE_HAD_IT "A002"  /* the accrual interface had credited it before, likewise: duplicate */
/* What the OpenPGP verdict says: "P" and the reason's number in OPENPGP_REASONS. What unpacking says: "U…",
 * PACKING_VERDICTS. */
