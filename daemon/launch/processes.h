/* Finds processes in /proc: what descends from a process, and what carries a mark in its environment. */
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

bool process_list_has(const struct process_list *list, pid_t pid);
void process_list_clear(struct process_list *list);

/* Appends all descendants of `root` that are not in the list yet. What forks meanwhile may be missed: ask again until nothing is new. */
void processes_add_descendants(struct process_list *list, pid_t root);

/* Kills whatever has `entry` (NAME=VALUE) in its environment, again and again until nothing has it. Blocking: for the thread pool.
 * False if some is left that cannot be killed (it hangs in the kernel, or belongs to somebody else). */
bool processes_kill_marked(const char *entry);

#endif
