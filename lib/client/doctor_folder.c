/* Checks of `hyperdrive doctor` that look at the state folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "doctor.h"

/* Where the daemon is on another machine its folder cannot be seen; a folder that was named is looked at all the same. */
static bool knows_folder(const struct doctor *doctor, struct doctor_finding *finding)
{
    bool known = doctor->local || doctor->address.url == NULL || doctor->client->arguments.value[OPTION_STATE_DIR] != NULL ||
                 doctor->address.folder != NULL;

    if (!known) {
        doctor_found(finding, DOCTOR_UNKNOWN, "the daemon's state folder is not on this machine, or not known (--state-dir DIR names it)");
    }
    return known;
}

static bool has_folder(const struct doctor *doctor, struct doctor_finding *finding)
{
    struct stat status;

    if (!knows_folder(doctor, finding)) {
        return false;
    }
    if (stat(doctor->folder, &status) != 0) {
        doctor_found(finding, DOCTOR_UNKNOWN, "%s: %s", doctor->folder, strerror(errno));
        return false;
    }
    return true;
}

/* Than the running daemon, and than root. */
static bool is_of_another_user(const struct doctor *doctor, const struct stat *folder, uid_t *ret_user)
{
    char path[64];
    struct stat process;

    snprintf(path, sizeof(path), "/proc/%d", (int)doctor->pid);
    if (!doctor->local || folder->st_uid == 0 || stat(path, &process) != 0) {
        return false;
    }
    *ret_user = process.st_uid;
    return process.st_uid != folder->st_uid;
}

void doctor_check_folder(struct doctor *doctor, struct doctor_finding *finding)
{
    const char *folder = doctor->folder;
    struct stat status;
    uid_t user = 0;

    if (!knows_folder(doctor, finding)) {
        return;
    }
    if (stat(folder, &status) != 0 && errno == ENOENT) {
        doctor_found(finding, DOCTOR_FAULT, "there is no folder %s; hyperdrived makes it at its first start", folder);
    } else if (stat(folder, &status) != 0) {
        doctor_found(finding, DOCTOR_FAULT, "%s: %s", folder, strerror(errno));
    } else if (!S_ISDIR(status.st_mode)) {
        doctor_found(finding, DOCTOR_FAULT, "%s is no folder; move it away, hyperdrived makes one", folder);
    } else if (is_of_another_user(doctor, &status, &user)) {
        doctor_found(finding, DOCTOR_FAULT,
                     "%s belongs to another user (uid %u) than the daemon's (uid %u), which refuses it at its next start; chown %u %s",
                     folder, (unsigned)status.st_uid, (unsigned)user, (unsigned)user, folder);
    } else if ((status.st_mode & (S_IWGRP | S_IROTH | S_IWOTH)) != 0) {
        doctor_found(finding, DOCTOR_FAULT, "others may look or write into %s (mode %04o); chmod 0700 %s", folder,
                     (unsigned)(status.st_mode & 07777), folder);
    } else if (geteuid() != 0 && access(folder, W_OK) != 0) {
        doctor_found(finding, DOCTOR_WARNING, "%s belongs to somebody else (user id %u): this user can ask the daemon, not be it", folder,
                     (unsigned)status.st_uid);
    } else {
        doctor_found(finding, DOCTOR_OK, "%s, mode %04o", folder, (unsigned)(status.st_mode & 07777));
    }
}

/* The token may be readable by a group (of those who may use the system's daemon), the key that signs tokens by nobody else. */
static const struct {
    const char *name;
    mode_t forbidden;
    const char *right;
} secrets[] = {{"token", S_IXUSR | S_IWGRP | S_IXGRP | S_IRWXO, "0600"}, {"secret", S_IXUSR | S_IRWXG | S_IRWXO, "0600"}};

/* False: something was found. */
static bool check_secret(const char *folder, size_t index, struct doctor_finding *finding)
{
    struct hd_text path = {0};
    struct stat status;
    bool right = false;

    hd_text_format(&path, "%s/%s", folder, secrets[index].name);
    if (path.failed) {
        doctor_found(finding, DOCTOR_UNKNOWN, "memory is short");
    } else if (stat(path.data, &status) != 0 && errno == ENOENT) {
        doctor_found(finding, DOCTOR_FAULT, "%s is missing; hyperdrived makes it when it starts", path.data);
    } else if (stat(path.data, &status) != 0) {
        doctor_found(finding, DOCTOR_UNKNOWN, "%s: %s", path.data, strerror(errno));
    } else if ((status.st_mode & secrets[index].forbidden) != 0) {
        doctor_found(finding, DOCTOR_FAULT, "%s can be read or changed by others (mode %04o); chmod %s %s", path.data,
                     (unsigned)(status.st_mode & 07777), secrets[index].right, path.data);
    } else if (!S_ISREG(status.st_mode) || status.st_size == 0) {
        doctor_found(finding, DOCTOR_FAULT, "%s is empty or no file; remove it and restart hyperdrived, which makes a new one", path.data);
    } else {
        right = true;
    }
    hd_text_clear(&path);
    return right;
}

void doctor_check_secrets(struct doctor *doctor, struct doctor_finding *finding)
{
    if (!has_folder(doctor, finding)) {
        return;
    }
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        if (!check_secret(doctor->folder, i, finding)) {
            return;
        }
    }
    doctor_found(finding, DOCTOR_OK, "token and secret are kept from others");
}

static const struct file_system {
    unsigned long magic;
    const char *name;
    const char *trouble; /* NULL: none */
} file_systems[] = {
    {0x6969, "NFS", "locks and the shared memory of the database do not work reliably over a network"},
    {0x517B, "SMB", "locks and the shared memory of the database do not work reliably over a network"},
    {0xFF534D42, "CIFS", "locks and the shared memory of the database do not work reliably over a network"},
    {0xFE534D42, "SMB2", "locks and the shared memory of the database do not work reliably over a network"},
    {0x01021997, "9p", "locks and the shared memory of the database do not work reliably over a network"},
    {0x00C36400, "Ceph", "locks and the shared memory of the database do not work reliably over a network"},
    {0x0BD00BD0, "Lustre", "locks and the shared memory of the database do not work reliably over a network"},
    {0x47504653, "GPFS", "locks and the shared memory of the database do not work reliably over a network"},
    {0x65735546, "FUSE", "whether a sync reaches the disk depends on its program"},
    {0x01021994, "tmpfs", "it is lost when the machine restarts"},
    {0x858458F6, "ramfs", "it is lost when the machine restarts"},
    {0x794C7630, "overlayfs", "it goes away with its container"},
    {0xEF53, "ext4", NULL},
    {0x58465342, "XFS", NULL},
    {0x9123683E, "Btrfs", NULL},
    {0x2FC12FC1, "ZFS", NULL},
    {0xF2F52010, "F2FS", NULL},
};

void doctor_check_file_system(struct doctor *doctor, struct doctor_finding *finding)
{
    struct statfs status;

    if (!has_folder(doctor, finding)) {
        return;
    }
    if (statfs(doctor->folder, &status) != 0) {
        doctor_found(finding, DOCTOR_UNKNOWN, "%s: %s", doctor->folder, strerror(errno));
        return;
    }
    for (size_t i = 0; i < sizeof(file_systems) / sizeof(file_systems[0]); i++) {
        const struct file_system *system = &file_systems[i];

        if (system->magic != (unsigned long)status.f_type) {
            continue;
        }
        if (system->trouble == NULL) {
            doctor_found(finding, DOCTOR_OK, "%s", system->name);
        } else {
            doctor_found(finding, DOCTOR_WARNING, "%s is on %s: %s; put the state folder on a local disk (setting state_dir)",
                         doctor->folder, system->name, system->trouble);
        }
        return;
    }
    doctor_found(finding, DOCTOR_OK, "type 0x%lx, not known to be troublesome", (unsigned long)status.f_type);
}

void doctor_check_free_space(struct doctor *doctor, struct doctor_finding *finding)
{
    enum { FILES_LEAST = 10000 };
    struct statvfs status;
    double bytes;

    if (!has_folder(doctor, finding)) {
        return;
    }
    if (statvfs(doctor->folder, &status) != 0) {
        doctor_found(finding, DOCTOR_UNKNOWN, "%s: %s", doctor->folder, strerror(errno));
        return;
    }
    bytes = (double)status.f_bavail * (double)status.f_frsize;
    if (bytes < (double)doctor->free_least) {
        doctor_found(finding, DOCTOR_FAULT,
                     "%.0f MiB are free for %s, at least %.0f should be; delete ended sweeps (hyperdrive delete), or make room",
                     bytes / 1048576, doctor->folder, (double)doctor->free_least / 1048576);
    } else if (status.f_files > 0 && status.f_favail < FILES_LEAST) {
        doctor_found(finding, DOCTOR_FAULT,
                     "%lu more files can be made in %s; every run has a folder: delete ended sweeps (hyperdrive delete), or make room",
                     (unsigned long)status.f_favail, doctor->folder);
    } else {
        doctor_found(finding, DOCTOR_OK, "%.1f GiB", bytes / 1073741824);
    }
}

/* A shared lock that is let go at once: a daemon that starts meanwhile tries again. */
void doctor_check_lock(struct doctor *doctor, struct doctor_finding *finding)
{
    struct hd_text path = {0};
    int lock, number;

    if (!has_folder(doctor, finding)) {
        return;
    }
    hd_text_format(&path, "%s/lock", doctor->folder);
    lock = path.failed ? -1 : open(path.data, O_RDONLY | O_CLOEXEC);
    number = lock < 0 ? errno : flock(lock, LOCK_SH | LOCK_NB) != 0 ? errno : 0;
    if (lock < 0) {
        doctor_found(finding, number == ENOENT ? DOCTOR_FAULT : DOCTOR_UNKNOWN, "%s/lock: %s", doctor->folder,
                     number == ENOENT ? "missing: no daemon ever ran with this folder" : strerror(number));
    } else if (number == EWOULDBLOCK) {
        doctor_found(finding, DOCTOR_OK, "held by a daemon");
    } else if (number != 0) {
        doctor_found(finding, DOCTOR_FAULT, "files of %s cannot be locked: %s; put the state folder on a local disk", doctor->folder,
                     strerror(number));
    } else if (doctor->version != NULL && doctor->local) {
        doctor_found(finding, DOCTOR_FAULT, "a daemon runs, but a lock on %s does not hold: this file system does not keep locks",
                     path.data);
    } else {
        doctor_found(finding, DOCTOR_FAULT, "no daemon runs with %s: what its file 'url' says is of an earlier one; start hyperdrived",
                     doctor->folder);
    }
    if (lock >= 0) {
        close(lock);
    }
    hd_text_clear(&path);
}

static bool has_entries(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry = NULL;

    while (folder != NULL && (entry = readdir(folder)) != NULL && entry->d_name[0] == '.') {
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return entry != NULL;
}

bool doctor_database_is_gone(const struct doctor *doctor, struct doctor_finding *finding)
{
    struct hd_text database = {0}, runs = {0};
    struct stat status;
    bool gone;

    hd_text_format(&database, "%s/hyperdrive.db", doctor->folder);
    hd_text_format(&runs, "%s/runs", doctor->folder);
    gone = !database.failed && !runs.failed && stat(database.data, &status) != 0 && errno == ENOENT && has_entries(runs.data);
    if (gone) {
        doctor_found(finding, DOCTOR_FAULT,
                     "%s is missing, and runs are there: put it back, or a backup of it, before hyperdrived is started", database.data);
    }
    hd_text_clear(&database);
    hd_text_clear(&runs);
    return gone;
}
