#include "remains.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/text.h"
#include "processes.h"

enum { KILL_ROUNDS = 20, KILL_WAIT_MS = 100 };

struct remains {
    const char *entry;          /* HYPERDRIVE_RUN_ID=... */
    struct process_list tree;   /* what has it, and what descends from that */
    struct process_list pinned; /* those of them whose pidfds are held, in the order of `descriptors` */
    int *descriptors;
    bool failed; /* the system is short of something */
};

/* Remembers a process that is held by `descriptor`. */
static bool keep(struct remains *remains, pid_t process, int descriptor)
{
    size_t count = remains->pinned.count;
    int *descriptors = reallocarray(remains->descriptors, count + 1, sizeof *descriptors);
    if (descriptors == NULL)
        return false;
    remains->descriptors = descriptors;
    descriptors[count] = descriptor;
    process_list_add(&remains->pinned, process);
    return remains->pinned.count > count;
}

/* The pidfd comes first, so that what is killed is what was looked at: since the process was listed its id may have become another's. */
static void pin(struct remains *remains, pid_t process)
{
    int descriptor = (int)syscall(SYS_pidfd_open, process, 0);
    if (descriptor < 0) {
        remains->failed = remains->failed || (errno != ESRCH && errno != EINVAL);
        return;
    }
    bool is_ours = process_list_has(&remains->pinned, processes_parent(process)) || processes_is_marked(process, remains->entry);
    if (is_ours && keep(remains, process, descriptor))
        return;
    remains->failed = remains->failed || is_ours;
    close(descriptor);
}

/* A descendant may have cleared its environment: it is known by its parent only while that lives, so all are held before the first is
 * killed. */
static void find(struct remains *remains)
{
    processes_add_marked(&remains->tree, remains->entry);
    size_t marked = remains->tree.count;
    for (size_t i = 0; i < marked; i++)
        processes_add_descendants(&remains->tree, remains->tree.pids[i]);
    remains->failed = remains->tree.failed;
    for (size_t i = 0; i < remains->tree.count; i++)
        pin(remains, remains->tree.pids[i]);
}

/* All at once, then waits for them: what is gone has let go of its devices. Not once more for each that does not die. */
static void kill_found(const struct remains *remains)
{
    for (size_t i = 0; i < remains->pinned.count; i++)
        syscall(SYS_pidfd_send_signal, remains->descriptors[i], SIGKILL, NULL, 0); /* fails only when it is gone */
    int wait_ms = KILL_WAIT_MS;
    for (size_t i = 0; i < remains->pinned.count; i++) {
        struct pollfd gone = {.fd = remains->descriptors[i], .events = POLLIN};
        if (poll(&gone, 1, wait_ms) == 0)
            wait_ms = 0;
    }
}

static void clear(struct remains *remains)
{
    for (size_t i = 0; i < remains->pinned.count; i++)
        close(remains->descriptors[i]);
    free(remains->descriptors);
    process_list_clear(&remains->pinned);
    process_list_clear(&remains->tree);
}

bool remains_kill(const char *run_id)
{
    struct hd_text entry = {0};
    bool none = false;
    hd_text_format(&entry, "HYPERDRIVE_RUN_ID=%s", run_id);
    for (int round = 0; !none && !entry.failed && round < KILL_ROUNDS; round++) {
        struct remains remains = {.entry = entry.data};
        find(&remains);
        kill_found(&remains);
        none = remains.tree.count == 0 && !remains.failed;
        clear(&remains);
    }
    hd_text_clear(&entry);
    return none;
}
