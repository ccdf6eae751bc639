#include "remains.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/text.h"
#include "processes.h"

enum {
    KILL_ROUNDS = 20,
    IDLE_ROUNDS = 3, /* in which nothing dies: the caller asks again later, and a thread of the pool is free until then */
    KILL_WAIT_MS = 100,
};

struct remains {
    const char *entry; /* HYPERDRIVE_RUN_ID=...; NULL: by the root */
    pid_t root;        /* 0: by the entry */
    int root_pidfd;
    struct process_list tree;   /* what has the entry, and what descends from that or from the root */
    size_t living;              /* of these */
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

static bool has_ended(int pidfd)
{
    struct pollfd gone = {.fd = pidfd, .events = POLLIN};
    return poll(&gone, 1, 0) > 0;
}

static bool is_ours(const struct remains *remains, pid_t process)
{
    pid_t parent = processes_parent(process);
    if (process_list_has(&remains->pinned, parent))
        return true;
    return remains->entry != NULL ? processes_is_marked(process, remains->entry) : parent == remains->root;
}

/* The pidfd comes first, so that what is killed is what was looked at: since the process was listed its id may have become another's. */
static void pin(struct remains *remains, pid_t process)
{
    int descriptor = (int)syscall(SYS_pidfd_open, process, 0);
    bool ended = descriptor >= 0 && has_ended(descriptor); /* and waits for its parent, which may be stopped */
    remains->living += !ended;
    if (descriptor < 0) {
        remains->failed = remains->failed || (errno != ESRCH && errno != EINVAL);
        return;
    }
    bool ours = !ended && is_ours(remains, process);
    if (ours && keep(remains, process, descriptor))
        return;
    remains->failed = remains->failed || ours;
    close(descriptor);
}

static void list(struct remains *remains)
{
    if (remains->entry == NULL) {
        processes_add_descendants(&remains->tree, remains->root);
        return;
    }
    processes_add_marked(&remains->tree, remains->entry);
    size_t marked = remains->tree.count;
    for (size_t i = 0; i < marked; i++)
        processes_add_descendants(&remains->tree, remains->tree.pids[i]);
}

/* A descendant may have cleared its environment: it is known by its parent only while that lives, so all are held before the first is
 * killed. */
static void find(struct remains *remains)
{
    list(remains);
    remains->failed = remains->tree.failed;
    for (size_t i = 0; i < remains->tree.count; i++)
        pin(remains, remains->tree.pids[i]);
}

/* All at once, then waits for them: what is gone has let go of its devices. Not once more for each that does not die. How many have died.
 */
static size_t kill_found(const struct remains *remains)
{
    for (size_t i = 0; i < remains->pinned.count; i++)
        syscall(SYS_pidfd_send_signal, remains->descriptors[i], SIGKILL, NULL, 0); /* fails only when it is gone */
    int wait_ms = KILL_WAIT_MS;
    size_t count = 0;
    for (size_t i = 0; i < remains->pinned.count; i++) {
        struct pollfd gone = {.fd = remains->descriptors[i], .events = POLLIN};
        int died = poll(&gone, 1, wait_ms);
        count += died > 0;
        if (died == 0)
            wait_ms = 0;
    }
    return count;
}

static void clear(struct remains *remains)
{
    for (size_t i = 0; i < remains->pinned.count; i++)
        close(remains->descriptors[i]);
    free(remains->descriptors);
    process_list_clear(&remains->pinned);
    process_list_clear(&remains->tree);
}

/* True when nothing was left. What descends from a root that has ended meanwhile may be somebody else's: the root's id is. */
static bool kill_once(struct remains remains, size_t *ret_died)
{
    find(&remains);
    bool known = remains.entry != NULL || !has_ended(remains.root_pidfd);
    *ret_died = known ? kill_found(&remains) : 0;
    bool none = known && remains.living == 0 && !remains.failed;
    clear(&remains);
    return none;
}

static bool kill_all(const struct remains *remains)
{
    bool none = false;
    for (int round = 0, idle = 0; !none && round < KILL_ROUNDS && idle < IDLE_ROUNDS; round++) {
        size_t died;
        none = kill_once(*remains, &died);
        idle = died > 0 ? 0 : idle + 1;
    }
    return none;
}

bool remains_kill(const char *run_id)
{
    struct hd_text entry = {0};
    hd_text_format(&entry, "HYPERDRIVE_RUN_ID=%s", run_id);
    const struct remains remains = {.entry = entry.data};
    bool none = !entry.failed && kill_all(&remains);
    hd_text_clear(&entry);
    return none;
}

bool remains_kill_below(pid_t root, int pidfd)
{
    const struct remains remains = {.root = root, .root_pidfd = pidfd};
    return kill_all(&remains);
}
