#include "processes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/text.h"

enum { KILL_ROUNDS = 100, KILL_WAIT_MS = 100 };

bool process_list_has(const struct process_list *list, pid_t pid)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->pids[i] == pid)
            return true;
    }
    return false;
}

void process_list_clear(struct process_list *list)
{
    free(list->pids);
    *list = (struct process_list){0};
}

static void add(struct process_list *list, pid_t pid)
{
    if (process_list_has(list, pid))
        return;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
        pid_t *pids = reallocarray(list->pids, capacity, sizeof *pids);
        if (pids == NULL) {
            list->failed = true;
            return;
        }
        list->pids = pids;
        list->capacity = capacity;
    }
    list->pids[list->count++] = pid;
}

/* The number that a folder of /proc is called; 0 if it is none. */
static pid_t process_number(const char *name)
{
    char *end;
    long number = strtol(name, &end, 10);
    return *end == '\0' && number > 0 ? (pid_t)number : 0;
}

/* Reads a file of /proc whole. Its size is not known before: 0 or the negative number of the system's error. */
static int read_file(const char *path, struct hd_text *text)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return -errno;
    char buffer[4096];
    ssize_t count;
    while ((count = read(file, buffer, sizeof buffer)) > 0 || (count < 0 && errno == EINTR)) {
        if (count > 0)
            hd_text_add(text, buffer, (size_t)count);
    }
    int result = count < 0 ? -errno : text->failed ? -ENOMEM : 0;
    close(file);
    return result;
}

static int add_children_of_task(struct process_list *list, pid_t process, pid_t task)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)process, (int)task);
    struct hd_text text = {0};
    int result = read_file(path, &text);
    char *saved = NULL;
    for (char *word = result == 0 && text.data != NULL ? strtok_r(text.data, " ", &saved) : NULL; word != NULL;
         word = strtok_r(NULL, " ", &saved)) {
        pid_t child = process_number(word);
        if (child > 0)
            add(list, child);
    }
    hd_text_clear(&text);
    return result;
}

static void add_children(struct process_list *list, pid_t process)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)process);
    DIR *tasks = opendir(path);
    if (tasks == NULL) {
        list->failed = list->failed || (errno != ENOENT && errno != ESRCH);
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(tasks)) != NULL) {
        pid_t task = process_number(entry->d_name);
        if (task > 0 && add_children_of_task(list, process, task) == -ENOMEM)
            list->failed = true;
    }
    closedir(tasks);
}

/* Field 4 of /proc/PID/stat; 0 if the process is gone. */
static pid_t parent_of(pid_t process)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    struct hd_text text = {0};
    int parent = 0;
    /* The command's name may itself have spaces and parentheses: the fields begin behind the last one. */
    char *fields = read_file(path, &text) == 0 && text.data != NULL ? strrchr(text.data, ')') : NULL;
    if (fields == NULL || sscanf(fields, ") %*c %d", &parent) != 1)
        parent = 0;
    hd_text_clear(&text);
    return parent;
}

/* For kernels without CONFIG_PROC_CHILDREN: goes through all processes until a round finds no new descendant. */
static void add_by_parents(struct process_list *list, pid_t root)
{
    size_t before;
    do {
        before = list->count;
        DIR *all = opendir("/proc");
        if (all == NULL) {
            list->failed = true;
            return;
        }
        struct dirent *entry;
        while ((entry = readdir(all)) != NULL) {
            pid_t process = process_number(entry->d_name);
            pid_t parent = process > 0 ? parent_of(process) : 0;
            if (parent > 0 && (parent == root || process_list_has(list, parent)))
                add(list, process);
        }
        closedir(all);
    } while (list->count > before);
}

void processes_add_descendants(struct process_list *list, pid_t root)
{
    if (access("/proc/thread-self/children", F_OK) < 0) {
        add_by_parents(list, root);
        return;
    }
    add_children(list, root);
    for (size_t i = 0; i < list->count; i++)
        add_children(list, list->pids[i]);
}

static bool has_in_environment(pid_t process, const char *entry)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/environ", (int)process);
    struct hd_text text = {0};
    bool found = false;
    if (read_file(path, &text) == 0 && text.data != NULL) {
        for (const char *at = text.data; !found && at < text.data + text.length; at += strlen(at) + 1)
            found = strcmp(at, entry) == 0;
    }
    hd_text_clear(&text);
    return found;
}

/* Opens the pidfd before it looks, so that what is killed is what was looked at. */
static bool kill_if_marked(pid_t process, const char *entry)
{
    int descriptor = (int)syscall(SYS_pidfd_open, process, 0);
    if (descriptor < 0)
        return false;
    bool marked = has_in_environment(process, entry);
    if (marked && syscall(SYS_pidfd_send_signal, descriptor, SIGKILL, NULL, 0) == 0) {
        struct pollfd gone = {.fd = descriptor, .events = POLLIN};
        poll(&gone, 1, KILL_WAIT_MS);
    }
    close(descriptor);
    return marked;
}

bool processes_kill_marked(const char *entry)
{
    for (int round = 0; round < KILL_ROUNDS; round++) {
        DIR *all = opendir("/proc");
        if (all == NULL)
            return false;
        bool found = false;
        struct dirent *name;
        while ((name = readdir(all)) != NULL) {
            pid_t process = process_number(name->d_name);
            if (process > 0 && process != getpid() && kill_if_marked(process, entry))
                found = true;
        }
        closedir(all);
        if (!found)
            return true;
    }
    return false;
}
