/* A file system layer under SQLite whose operations a test can make fail: in builds with the option fault_points, and nothing in others.
 *
 * A test says what fails by a file, which is read again at every operation; without the file everything works. A line of it is
 * OPERATION FAULT [NUMBER]:
 *
 *   read io | write io | sync io    fails with an I/O error
 *   read short                      gives half of what was asked for, and zeros
 *   write full                      fails for want of space
 *   write short                     writes half of it, then fails for want of space
 *   write read_only                 fails as on a file system that may only be read
 *   write slow N | sync slow N      takes N milliseconds longer, or until the file is gone
 *
 * With NUMBER behind another fault than slow only the operation that is the NUMBER-th from the call of fault_vfs_count() on fails.
 * The points in_write (half of it is written) and in_sync of fault.h are here. */
#ifndef HYPERDRIVED_STORE_FAULT_VFS_H
#define HYPERDRIVED_STORE_FAULT_VFS_H

#include <stddef.h>

#ifdef HD_FAULT_POINTS
/* Registers the layer, once; `control` is the path of the test's file and lives on. The layer's name for store_settings.vfs; NULL when
 * `control` is. */
const char *fault_vfs_register(const char *control);
/* Operations (reads, writes and syncs together) since the last call; counts anew. */
int fault_vfs_count(void);
#else
static inline const char *fault_vfs_register(const char *control)
{
    (void)control;
    return NULL;
}
#endif

#endif
