/* Finds processes in /proc: what descends from a process, and what is marked by a variable in its environment. */
#ifndef HYPERDRIVED_PROCESSES_H
#define HYPERDRIVED_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A zeroed struct is an empty list. */
struct process_list {
    pid_t *pids;
    size_t count;
    size_t capacity;
    bool failed; /* memory is short or /proc cannot be read: the list is not whole */
};

/* Unless it is there. */
void process_list_add(struct process_list *list, pid_t pid);
bool process_list_has(const struct process_list *list, pid_t pid);
void process_list_clear(struct process_list *list);

/* Appends all descendants of `root` that are not in the list yet. What forks meanwhile may be missed: ask again until nothing is new. */
void processes_add_descendants(struct process_list *list, pid_t root);
/* Appends all marked processes but the caller to an empty list. */
void processes_add_marked(struct process_list *list, const char *entry);

/* About a process id. To be sure that two answers are about one process, hold a pidfd of it that was opened before the first. */
pid_t processes_parent(pid_t process);    /* 0 if it is gone */
bool processes_is_stopped(pid_t process); /* by SIGSTOP and its like */
/* Is it of this user, and executed with `entry` (NAME=VALUE) in its environment? */
bool processes_is_marked(pid_t process, const char *entry);

#endif
