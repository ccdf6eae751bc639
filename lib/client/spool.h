/* Reports that could not be sent, kept durably in the run's folder.
 *
 * The format, for whoever reads it. $HYPERDRIVE_RUN_DIR/spool/ is made by the first reporter that needs it. A file
 *
 *     <reporter>.<sequence>.json
 *
 * holds the body of one request POST /api/v1/runs/{id}/metrics, just as it was or would have been sent:
 * {"reporter":"<reporter>","sequence":<sequence>,"metrics":[...]}. <reporter> is 32 hexadecimal digits (with `report-` before them where
 * it was a call of `hyperdrive report`), <sequence> a decimal number without zeros in front, from 1. A file appears complete and synced, by
 * rename() from a name that begins with a dot; names that do not end in .json are to be ignored (and may be removed once the run's
 * processes are gone).
 *
 * The sequences of one reporter must be taken in as numbers in ascending order, because the daemon takes a sequence that is not above the
 * reporter's last one for a duplicate; for the same reason a reporter sends nothing behind a kept report before that one is stored. Between
 * reporters the time decides at which the files were written. While its process lives a reporter reads and removes its files itself, so
 * they are to be taken in when no process of the run is left; those of `hyperdrive report`, whose process is gone, also by a later call of
 * it. A file may have been stored before (its answer was lost, or the process died before it removed the file): it comes out as a
 * duplicate, and is removed like the others. */
#ifndef HD_CLIENT_SPOOL_H
#define HD_CLIENT_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "core/text.h"

/* All return 0 or a negative errno. `folder` is that of the spool itself. */
int hd_spool_keep(const char *folder, const char *reporter, int64_t sequence, const char *body, size_t length);
int hd_spool_read(const char *folder, const char *reporter, int64_t sequence, struct hd_text *ret_body);
int hd_spool_remove(const char *folder, const char *reporter, int64_t sequence);

#endif
