/* A file system layer under SQLite whose syncs a test can hold or fail: everything else goes to the default one. */
#ifndef HD_TEST_SYNC_VFS_H
#define HD_TEST_SYNC_VFS_H

#include <stdbool.h>

#define SYNC_VFS_NAME "sync-test"

void sync_vfs_register(void);
/* From now on syncs wait until they are released. */
void sync_vfs_hold(void);
void sync_vfs_release(void);
/* Waits until a sync is being held. */
void sync_vfs_wait_held(void);
/* From now on syncs fail with an I/O error, or work again. */
void sync_vfs_fail(bool fail);
int sync_vfs_count(void);

#endif
