/* Faults by number: the n-th allocation, or the n-th call to the system, fails, whichever thread it comes from. A test goes through all n,
 * until nothing fails any more. Whoever links this names the calls by `fault_wraps` (meson.build). */
#ifndef HD_TEST_FAULT_H
#define HD_TEST_FAULT_H

#include <stdbool.h>

enum fault_kind { FAULT_MEMORY, FAULT_SYSTEM };

/* From now on the n-th of these (from 0) fails, once. */
void fault_arm(enum fault_kind kind, long nth);
/* Nothing fails any more. The name of what has failed; NULL: it was not reached. */
const char *fault_disarm(void);
/* How many of these were still to be passed when it was disarmed. */
long fault_left(enum fault_kind kind);
/* cJSON's allocations are counted too. */
void fault_hook_cjson(void);
/* SQLite's allocations and its calls to the system are; before its first use. (Its syncs cannot be reached so: sync_vfs.h.) */
void fault_hook_sqlite(void);
/* Whether this call is the one that fails. */
bool fault_strikes(enum fault_kind kind, const char *name);
/* Open descriptors of this process, to see that none is left behind. */
int fault_descriptors(void);

#endif
